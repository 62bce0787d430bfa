import type { TableDefinition } from '../definitions/emulated-table.ts';
import { decimal, memo, text } from '../table-parts/column-kinds.ts';
import {
  activeStateColumns,
  auditColumns,
  ownerColumns,
  primaryId,
} from '../table-parts/standard-columns.ts';
import { defineTable } from '../table-parts/built-in-table.ts';

/** A custom table without change tracking. */
export const untracked: TableDefinition = defineTable({
  schemaName: 'new_Untracked',
  entitySetName: 'new_untrackedes',
  objectTypeCode: 10412,
  changeTrackingEnabled: false,
  displayName: ['Untracked', 'Ohne Verfolgung'],
  displayCollectionName: ['Untracked Rows', 'Zeilen ohne Verfolgung'],
  columns: [
    primaryId('new_UntrackedId', ['Untracked', 'Ohne Verfolgung']),
    text('new_Name', ['Name', 'Name'], 850, { isPrimaryName: true }),
    memo('new_Notes', ['Notes', 'Notizen']),
    decimal('new_Amount', ['Amount', 'Menge'], 10),
    ...ownerColumns(),
    ...activeStateColumns('new_untracked'),
    ...auditColumns(),
  ],
});
