import type { TableDefinition } from '../definitions/emulated-table.ts';
import { bool, dateTime, guid, text } from '../table-parts/column-kinds.ts';
import { primaryId } from '../table-parts/standard-columns.ts';
import { defineTable } from '../table-parts/built-in-table.ts';

/** A virtual table. It is listed like other tables, but it has no row versions and cannot be tracked. */
export const aaduser: TableDefinition = defineTable({
  schemaName: 'aaduser',
  entitySetName: 'aadusers',
  objectTypeCode: 10360,
  ownershipType: 'OrganizationOwned',
  tableType: 'Virtual',
  changeTrackingEnabled: false,
  canChangeTrackingBeEnabled: false,
  displayName: ['AAD User', 'AAD-Benutzer'],
  displayCollectionName: ['AAD Users', 'AAD-Benutzer'],
  columns: [
    primaryId('aaduserid', ['Id', 'ID']),
    guid('id', ['Identifier', 'Kennung']),
    text('displayname', ['Display Name', 'Anzeigename'], 100, { isPrimaryName: true }),
    text('mail', ['Mail', 'E-Mail'], 100),
    text('userprincipalname', ['User Principal Name', 'Benutzerprinzipalname'], 100),
    bool('aaduser', 'accountenabled', ['Account Enabled', 'Konto aktiviert']),
    dateTime('createddatetime', ['Created', 'Erstellt']),
  ],
});
