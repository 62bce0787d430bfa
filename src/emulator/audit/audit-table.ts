import type { Option } from '../definitions/option-set.ts';
import type { TableDefinition } from '../definitions/emulated-table.ts';
import { choice, column, dateTime, guid, lookup, memo, text } from '../table-parts/column-kinds.ts';
import { primaryId } from '../table-parts/standard-columns.ts';
import { defineTable } from '../table-parts/built-in-table.ts';

const OPERATIONS: readonly Option[] = [
  { value: 1, label: ['Create', 'Erstellen'] },
  { value: 2, label: ['Update', 'Aktualisieren'] },
  { value: 3, label: ['Delete', 'Löschen'] },
  { value: 4, label: ['Access', 'Zugriff'] },
];
const ACTIONS: readonly Option[] = [...OPERATIONS.slice(0, 3), { value: 14, label: ['Share', 'Freigeben'] }];

/**
 * The table of audit rows, for tests to add. It has no row version, no `modifiedon` and no primary name, and its lookup
 * `objectid` names no target. Source: Microsoft, "Retrieve the history of audited data changes", audit EntityType.
 */
export const audit: TableDefinition = defineTable({
  schemaName: 'Audit',
  entitySetName: 'audits',
  objectTypeCode: 4567,
  ownershipType: 'None',
  displayName: ['Auditing', 'Überwachung'],
  displayCollectionName: ['Audits', 'Überwachungen'],
  columns: [
    primaryId('AuditId', ['Record Id', 'Datensatz-ID']),
    choice('audit', 'Action', ['Event', 'Ereignis'], ACTIONS),
    choice('audit', 'Operation', ['Operation', 'Vorgang'], OPERATIONS),
    dateTime('CreatedOn', ['Changed Date', 'Geändert am']),
    lookup('ObjectId', ['Record', 'Datensatz'], []),
    column('EntityName', 'ObjectTypeCode', ['Entity', 'Entität']),
    lookup('UserId', ['Changed By', 'Geändert von'], ['systemuser']),
    lookup('CallingUserId', ['Calling User', 'Aufrufender Benutzer'], ['systemuser']),
    lookup('RegardingObjectId', ['Regarding', 'Bezug'], []),
    memo('AttributeMask', ['Changed Field', 'Geändertes Feld']),
    text('UserAdditionalInfo', ['User Info', 'Benutzerinfo'], 350),
    guid('TransactionId', ['Transaction Id', 'Transaktions-ID']),
  ],
});
