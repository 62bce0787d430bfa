import type { TableDefinition } from '../definitions/emulated-table.ts';
import { addressColumns } from '../table-parts/address-columns.ts';
import { bool, choice, column, guid, integer, lookup, text } from '../table-parts/column-kinds.ts';
import { auditColumns, currencyColumns, primaryId } from '../table-parts/standard-columns.ts';
import { defineTable } from '../table-parts/built-in-table.ts';

const TABLE = 'systemuser';

/** Users. The CSDL derives them from principal, whose key is `ownerid`. */
export const systemuser: TableDefinition = defineTable({
  schemaName: 'SystemUser',
  entitySetName: 'systemusers',
  objectTypeCode: 8,
  baseType: 'principal',
  ownershipType: 'BusinessOwned',
  displayName: ['User', 'Benutzer'],
  displayCollectionName: ['Users', 'Benutzer'],
  columns: [
    primaryId('SystemUserId', ['User', 'Benutzer']),
    text('FullName', ['Full Name', 'Vollständiger Name'], 200, { isPrimaryName: true }),
    text('FirstName', ['First Name', 'Vorname'], 256),
    text('LastName', ['Last Name', 'Nachname'], 256),
    text('DomainName', ['User Name', 'Benutzername'], 1024),
    text('InternalEMailAddress', ['Primary Email', 'Primäre E-Mail'], 100, { format: 'Email' }),
    text('Title', ['Title', 'Titel'], 128),
    text('JobTitle', ['Job Title', 'Position'], 100),
    guid('AzureActiveDirectoryObjectId', ['Azure AD Object ID', 'Azure AD-Objekt-ID']),
    guid('ApplicationId', ['Application ID', 'Anwendungs-ID']),
    guid('OrganizationId', ['Organization', 'Organisation']),
    integer('IdentityId', ['Unique user identity id', 'Eindeutige Benutzer-ID']),
    bool(
      TABLE,
      'IsDisabled',
      ['Status', 'Status'],
      [
        ['Enabled', 'Aktiviert'],
        ['Disabled', 'Deaktiviert'],
      ],
    ),
    bool(TABLE, 'IsLicensed', ['User Licensed', 'Benutzer lizenziert']),
    // A few live columns have upper-case letters in their logical name.
    {
      ...bool(TABLE, 'new_RestrictGuestAccess', ['Restrict Guest Access', 'Gastzugriff einschränken']),
      logicalName: 'new_restrictGuestAccess',
    },
    choice(
      TABLE,
      'AccessMode',
      ['Access Mode', 'Zugriffsmodus'],
      [
        { value: 0, label: ['Read-Write', 'Lesen/Schreiben'] },
        { value: 4, label: ['Non-interactive', 'Nicht interaktiv'] },
      ],
    ),
    column('ManagedProperty', 'new_IsCustomizable', ['Customizable', 'Anpassbar'], { sourceType: null }),
    lookup('ParentSystemUserId', ['Manager', 'Vorgesetzter'], ['systemuser']),
    lookup('BusinessUnitId', ['Business Unit', 'Unternehmenseinheit'], ['businessunit']),
    ...addressColumns(TABLE, 1, 'short'),
    ...currencyColumns(),
    ...auditColumns(),
  ],
});
