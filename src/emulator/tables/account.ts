import type { TableDefinition } from '../definitions/emulated-table.ts';
import { addressColumns } from '../table-parts/address-columns.ts';
import {
  bool,
  choice,
  choices,
  column,
  dateTime,
  decimal,
  double,
  globalChoice,
  integer,
} from '../table-parts/column-kinds.ts';
import { bigInt, lookup, memo, money, text } from '../table-parts/column-kinds.ts';
import { OUTDOOR_ACTIVITIES, REGION } from '../table-parts/global-option-sets.ts';
import {
  activeStateColumns,
  auditColumns,
  currencyColumns,
  ownerColumns,
  primaryId,
} from '../table-parts/standard-columns.ts';
import { defineTable } from '../table-parts/built-in-table.ts';

const TABLE = 'account';

/** Accounts, with at least one column of nearly every kind. */
export const account: TableDefinition = defineTable({
  schemaName: 'Account',
  entitySetName: 'accounts',
  objectTypeCode: 1,
  displayName: ['Account', 'Firma'],
  displayCollectionName: ['Accounts', 'Firmen'],
  description: [
    'Business that represents a customer or potential customer. The company that is billed in business transactions.',
    'Ein Unternehmen, das Kunde oder möglicher Kunde ist und dem Geschäftstransaktionen berechnet werden.',
  ],
  primaryImageAttribute: 'entityimage',
  columns: [
    primaryId('AccountId', ['Account', 'Firma']),
    text('Name', ['Account Name', 'Firmenname'], 160, {
      isPrimaryName: true,
      requiredLevel: 'ApplicationRequired',
    }),
    text('AccountNumber', ['Account Number', 'Firmennummer'], 20),
    text('EMailAddress1', ['Email', 'E-Mail'], 100, { format: 'Email' }),
    text('Telephone1', ['Main Phone', 'Haupttelefon'], 50),
    text('WebSiteURL', ['Website', 'Website'], 200, { format: 'Url' }),
    memo('Description', ['Description', 'Beschreibung']),
    ...money('Revenue', ['Annual Revenue', 'Jahresumsatz']),
    ...money('CreditLimit', ['Credit Limit', 'Kreditlimit'], { isSecured: true }),
    integer('NumberOfEmployees', ['Number of Employees', 'Anzahl Mitarbeiter']),
    integer('new_VisitDuration', ['Visit Duration', 'Besuchsdauer'], { format: 'Duration' }),
    decimal('new_Score', ['Score', 'Bewertung'], 10),
    double('new_Discount', ['Discount', 'Rabatt']),
    bigInt('new_LedgerNumber', ['Ledger Number', 'Hauptbuchnummer']),
    choice(
      TABLE,
      'AccountCategoryCode',
      ['Category', 'Kategorie'],
      [
        { value: 1, label: ['Preferred Customer', 'Bevorzugter Kunde'] },
        { value: 2, label: ['Standard', 'Standard'] },
      ],
    ),
    choice(
      TABLE,
      'IndustryCode',
      ['Industry', 'Branche'],
      [
        { value: 1, label: ['Accounting', 'Buchhaltung'] },
        { value: 6, label: ['Business Services', 'Dienstleistungen'] },
        { value: 7, label: ['Consulting', 'Beratung'] },
        { value: 12, label: ['Engineering', 'Maschinenbau'] },
        { value: 17, label: ['Food Processing', 'Lebensmittel'] },
        { value: 20, label: ['Insurance', 'Versicherung'] },
        { value: 30, label: ['Transportation', 'Transport'] },
        { value: 33, label: ['Wholesale', 'Großhandel'] },
      ],
    ),
    globalChoice('new_Region', ['Region', 'Region'], REGION),
    choices('new_Activities', ['Activities', 'Aktivitäten'], OUTDOOR_ACTIVITIES),
    bool(TABLE, 'CreditOnHold', ['Credit Hold', 'Kreditsperre']),
    bool(
      TABLE,
      'DoNotEMail',
      ['Do not allow Emails', 'Keine E-Mails'],
      [
        ['Allow', 'Zulassen'],
        ['Do Not Allow', 'Nicht zulassen'],
      ],
    ),
    dateTime('LastOnHoldTime', ['Last On Hold Time', 'Letzte Wartezeit']),
    dateTime('new_Founded', ['Founded', 'Gegründet'], 'DateOnly'),
    dateTime('new_OpensAt', ['Opens At', 'Öffnet um'], 'TimeZoneIndependent'),
    lookup('PrimaryContactId', ['Primary Contact', 'Primärer Kontakt'], ['contact']),
    lookup('ParentAccountId', ['Parent Account', 'Übergeordnete Firma'], ['account']),
    ...addressColumns(TABLE, 1, 'full'),
    column('Image', 'EntityImage', ['Default Image', 'Standardbild'], {
      attributeOf: 'entityimageid',
      isLogical: true,
      sourceType: null,
    }),
    column('File', 'new_Contract', ['Contract', 'Vertrag'], { sourceType: null }),
    decimal('new_RevenuePerEmployee', ['Revenue per Employee', 'Umsatz je Mitarbeiter'], 4, {
      sourceType: 1,
    }),
    text('new_PortalPassword', ['Portal Password', 'Portalkennwort'], 100, { isValidForRead: false }),
    ...currencyColumns(),
    ...ownerColumns(),
    ...activeStateColumns(TABLE),
    ...auditColumns(),
  ],
});
