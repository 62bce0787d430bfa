import type { TableDefinition } from '../definitions/emulated-table.ts';
import { bool, choice, guid, lookup, memo, text } from '../table-parts/column-kinds.ts';
import { auditColumns, currencyColumns, primaryId } from '../table-parts/standard-columns.ts';
import { defineTable } from '../table-parts/built-in-table.ts';

const TABLE = 'team';

/** Teams. Like users they derive from principal in the CSDL. */
export const team: TableDefinition = defineTable({
  schemaName: 'Team',
  entitySetName: 'teams',
  objectTypeCode: 9,
  baseType: 'principal',
  ownershipType: 'BusinessOwned',
  displayName: ['Team', 'Team'],
  displayCollectionName: ['Teams', 'Teams'],
  columns: [
    primaryId('TeamId', ['Team', 'Team']),
    text('Name', ['Team Name', 'Teamname'], 160, { isPrimaryName: true }),
    memo('Description', ['Description', 'Beschreibung']),
    text('EMailAddress', ['Email', 'E-Mail'], 100, { format: 'Email' }),
    choice(
      TABLE,
      'TeamType',
      ['Team Type', 'Teamtyp'],
      [
        { value: 0, label: ['Owner', 'Besitzer'] },
        { value: 1, label: ['Access', 'Zugriff'] },
      ],
    ),
    bool(TABLE, 'IsDefault', ['Is Default', 'Ist Standard']),
    bool(TABLE, 'SystemManaged', ['Is System Managed', 'Vom System verwaltet']),
    guid('OrganizationId', ['Organization', 'Organisation']),
    guid('AzureActiveDirectoryObjectId', ['Object Id for a group', 'Objekt-ID einer Gruppe']),
    lookup('AdministratorId', ['Administrator', 'Administrator'], ['systemuser']),
    lookup('BusinessUnitId', ['Business Unit', 'Unternehmenseinheit'], ['businessunit']),
    ...currencyColumns(),
    ...auditColumns(),
  ],
});
