import { text } from '../../src/emulator/table-parts/column-kinds.ts';
import { auditColumns, primaryId } from '../../src/emulator/table-parts/standard-columns.ts';
import { defineTable, type TableFacts } from '../../src/emulator/table-parts/built-in-table.ts';
import type { TableDefinition } from '../../src/emulator/definitions/emulated-table.ts';

/** A table of few columns, to be added to an emulator under any name. */
export function smallTable(schemaName: string, facts: Partial<TableFacts> = {}): TableDefinition {
  return defineTable({
    schemaName,
    entitySetName: `${schemaName.toLowerCase()}s`,
    objectTypeCode: 11_000,
    displayName: [schemaName, schemaName],
    displayCollectionName: [schemaName, schemaName],
    columns: [
      primaryId(`${schemaName}Id`, [schemaName, schemaName]),
      text('new_Name', ['Name', 'Name'], 100, { isPrimaryName: true }),
      ...auditColumns(),
    ],
    ...facts,
  });
}
