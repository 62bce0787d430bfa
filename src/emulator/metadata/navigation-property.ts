import type { Column } from '../definitions/column.ts';
import type { TableDefinition } from '../definitions/emulated-table.ts';

/** The single-valued navigation property through which a lookup reaches one of its targets. */
export function navigationProperty(table: TableDefinition, column: Column, target: string): string {
  if (column.kind === 'Owner' || column.targets.length === 1)
    return nameFor(table, column, column.logicalName);
  return nameFor(table, column, `${column.logicalName}_${target}`);
}

/** Activities carry the name of their own table in the navigation properties of what they inherit. */
function nameFor(table: TableDefinition, column: Column, name: string): string {
  return column.isInherited && column.kind === 'Lookup' ? `${name}_${table.logicalName}` : name;
}
