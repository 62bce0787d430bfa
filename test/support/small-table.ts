import { text } from '../../src/emulator/model/column-kinds.ts';
import { auditColumns, primaryId } from '../../src/emulator/model/standard-columns.ts';
import { defineTable, type TableFacts } from '../../src/emulator/model/table.ts';
import type { TableDefinition } from '../../src/emulator/table-definition.ts';

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
