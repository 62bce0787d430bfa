import type { TableDefinition } from '../definitions/emulated-table.ts';
import {
  bool,
  choice,
  column,
  customer,
  dateTime,
  decimal,
  integer,
  lookup,
  memo,
  text,
} from '../table-parts/column-kinds.ts';
import { auditColumns, ownerColumns, primaryId, stateColumns } from '../table-parts/standard-columns.ts';
import { defineTable } from '../table-parts/built-in-table.ts';

const TABLE = 'incident';

/** Cases. Users see another word than the table name `incident`. */
export const incident: TableDefinition = defineTable({
  schemaName: 'Incident',
  entitySetName: 'incidents',
  objectTypeCode: 112,
  displayName: ['Case', 'Anfrage'],
  displayCollectionName: ['Cases', 'Anfragen'],
  description: [
    'Service request case associated with a contract.',
    'Serviceanfrage, die einem Vertrag zugeordnet ist.',
  ],
  columns: [
    primaryId('IncidentId', ['Case', 'Anfrage']),
    text('Title', ['Case Title', 'Anfragetitel'], 200, { isPrimaryName: true }),
    text('TicketNumber', ['Case Number', 'Anfragenummer'], 100),
    memo('Description', ['Description', 'Beschreibung']),
    choice(
      TABLE,
      'PriorityCode',
      ['Priority', 'Priorität'],
      [
        { value: 1, label: ['High', 'Hoch'] },
        { value: 2, label: ['Normal', 'Normal'] },
        { value: 3, label: ['Low', 'Niedrig'] },
      ],
    ),
    choice(
      TABLE,
      'CaseOriginCode',
      ['Origin', 'Ursprung'],
      [
        { value: 1, label: ['Phone', 'Telefon'] },
        { value: 2, label: ['Email', 'E-Mail'] },
        { value: 3, label: ['Web', 'Web'] },
      ],
    ),
    bool(TABLE, 'IsEscalated', ['Is Escalated', 'Eskaliert']),
    bool(TABLE, 'Merged', ['Internal Use Only', 'Nur interne Verwendung']),
    dateTime('EscalatedOn', ['Escalated On', 'Eskaliert am']),
    dateTime('FollowupBy', ['Follow Up By', 'Nachverfolgen bis']),
    decimal('InfluenceScore', ['Influence Score', 'Einflusswert'], 2),
    integer('OnHoldTime', ['On Hold Time (Minutes)', 'Wartezeit (Minuten)'], { format: 'Duration' }),
    column('File', 'new_Attachment', ['Attachment', 'Anlage'], { sourceType: null }),
    // The parties of a case are rows of activityparty, not a property of the case.
    column('PartyList', 'new_Participants', ['Participants', 'Teilnehmer'], {
      targets: ['account', 'contact', 'systemuser'],
      sourceType: null,
    }),
    customer('CustomerId', ['Customer', 'Kunde']),
    lookup('PrimaryContactId', ['Contact', 'Kontakt'], ['contact']),
    lookup('ParentCaseId', ['Parent Case', 'Übergeordnete Anfrage'], ['incident']),
    ...ownerColumns(),
    ...stateColumns(
      TABLE,
      [
        { value: 0, label: ['Active', 'Aktiv'], defaultStatus: 1 },
        { value: 1, label: ['Resolved', 'Gelöst'], defaultStatus: 5 },
        { value: 2, label: ['Canceled', 'Abgebrochen'], defaultStatus: 6 },
      ],
      [
        { value: 1, label: ['In Progress', 'In Bearbeitung'], state: 0 },
        { value: 2, label: ['On Hold', 'Wartend'], state: 0 },
        { value: 5, label: ['Problem Solved', 'Problem gelöst'], state: 1 },
        { value: 6, label: ['Canceled', 'Abgebrochen'], state: 2 },
      ],
    ),
    ...auditColumns(),
  ],
});
