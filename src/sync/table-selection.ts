import { Failure } from '../model/failure.ts';
import type { Table } from '../model/table.ts';

/** The table without the columns of the excluded attributes. @throws Failure `column-needed` */
export function withoutColumns(table: Table, exclude: readonly string[]): Table {
  if (exclude.length === 0) return table;
  const needed = exclude.filter((name) => name === table.key || name === table.version);
  if (needed.length > 0) {
    throw new Failure({
      code: 'column-needed',
      reaction: 'stop-table',
      message: `Table ${table.logicalName} cannot be mirrored without its column ${needed.join(', ')}.`,
      remedy: `Take ${needed.join(', ')} out of columns.exclude of table ${table.logicalName}.`,
      details: { table: table.logicalName },
    });
  }
  const excluded = new Set(exclude);
  return { ...table, columns: table.columns.filter((column) => !excluded.has(column.attribute)) };
}
