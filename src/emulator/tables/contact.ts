import type { TableDefinition } from '../definitions/emulated-table.ts';
import { addressColumns } from '../table-parts/address-columns.ts';
import {
  bool,
  choice,
  choices,
  column,
  customer,
  dateTime,
  globalChoice,
  integer,
} from '../table-parts/column-kinds.ts';
import { lookup, memo, money, text } from '../table-parts/column-kinds.ts';
import { OUTDOOR_ACTIVITIES, REGION } from '../table-parts/global-option-sets.ts';
import {
  activeStateColumns,
  auditColumns,
  currencyColumns,
  ownerColumns,
  primaryId,
} from '../table-parts/standard-columns.ts';
import { defineTable } from '../table-parts/built-in-table.ts';

const TABLE = 'contact';

export const contact: TableDefinition = defineTable({
  schemaName: 'Contact',
  entitySetName: 'contacts',
  objectTypeCode: 2,
  displayName: ['Contact', 'Kontakt'],
  displayCollectionName: ['Contacts', 'Kontakte'],
  description: [
    'Person with whom a business unit has a relationship, such as customer, supplier, and colleague.',
    'Person, mit der eine Unternehmenseinheit in Beziehung steht, etwa Kunde, Lieferant oder Kollege.',
  ],
  primaryImageAttribute: 'entityimage',
  columns: [
    primaryId('ContactId', ['Contact', 'Kontakt']),
    text('FullName', ['Full Name', 'Vollständiger Name'], 160, { isPrimaryName: true }),
    text('FirstName', ['First Name', 'Vorname'], 50, { requiredLevel: 'Recommended' }),
    text('MiddleName', ['Middle Name', 'Zweiter Vorname'], 50),
    text('LastName', ['Last Name', 'Nachname'], 50, { requiredLevel: 'ApplicationRequired' }),
    text('NickName', ['Nickname', 'Spitzname'], 50),
    text('Salutation', ['Salutation', 'Anrede'], 100),
    text('Suffix', ['Suffix', 'Suffix'], 10),
    text('YomiFullName', ['Yomi Full Name', 'Yomi vollständiger Name'], 450),
    text('JobTitle', ['Job Title', 'Position'], 100),
    text('Department', ['Department', 'Abteilung'], 100),
    text('EMailAddress1', ['Email', 'E-Mail'], 100, { format: 'Email' }),
    text('EMailAddress2', ['Email Address 2', 'E-Mail-Adresse 2'], 100, { format: 'Email' }),
    text('MobilePhone', ['Mobile Phone', 'Mobiltelefon'], 50),
    text('Telephone1', ['Business Phone', 'Telefon (geschäftlich)'], 50),
    text('Telephone2', ['Home Phone', 'Telefon (privat)'], 50),
    text('Fax', ['Fax', 'Fax'], 50),
    text('WebSiteUrl', ['Website', 'Website'], 200, { format: 'Url' }),
    text('GovernmentId', ['Government', 'Ausweisnummer'], 50, { isSecured: true }),
    text('EmployeeId', ['Employee', 'Mitarbeiter'], 50),
    text('AssistantName', ['Assistant', 'Assistent'], 100),
    text('ManagerName', ['Manager', 'Vorgesetzter'], 100),
    text('SpousesName', ["Spouse/Partner's Name", 'Name des Partners'], 100),
    memo('Description', ['Description', 'Beschreibung']),
    dateTime('BirthDate', ['Birthday', 'Geburtstag'], 'DateOnly'),
    dateTime('Anniversary', ['Anniversary', 'Jahrestag'], 'DateOnly'),
    dateTime('LastUsedInCampaign', ['Last Date Included in Campaign', 'Zuletzt in Kampagne']),
    ...money('AnnualIncome', ['Annual Income', 'Jahreseinkommen']),
    ...money('CreditLimit', ['Credit Limit', 'Kreditlimit']),
    integer('NumberOfChildren', ['No. of Children', 'Anzahl Kinder'], {
      minValue: '0',
      maxValue: '1000000000',
    }),
    choice(
      TABLE,
      'GenderCode',
      ['Gender', 'Geschlecht'],
      [
        { value: 1, label: ['Male', 'Männlich'] },
        { value: 2, label: ['Female', 'Weiblich'] },
      ],
    ),
    choice(
      TABLE,
      'FamilyStatusCode',
      ['Marital Status', 'Familienstand'],
      [
        { value: 1, label: ['Single', 'Ledig'] },
        { value: 2, label: ['Married', 'Verheiratet'] },
        { value: 3, label: ['Divorced', 'Geschieden'] },
        { value: 4, label: ['Widowed', 'Verwitwet'] },
      ],
    ),
    choice(
      TABLE,
      'PreferredContactMethodCode',
      ['Preferred Method of Contact', 'Bevorzugte Kontaktart'],
      [
        { value: 1, label: ['Any', 'Beliebig'] },
        { value: 2, label: ['Email', 'E-Mail'] },
        { value: 3, label: ['Phone', 'Telefon'] },
      ],
    ),
    globalChoice('new_Region', ['Region', 'Region'], REGION),
    choices('new_Hobbies', ['Hobbies', 'Hobbys'], OUTDOOR_ACTIVITIES),
    bool(TABLE, 'DoNotEMail', ['Do not allow Emails', 'Keine E-Mails']),
    bool(TABLE, 'DoNotPhone', ['Do not allow Phone Calls', 'Keine Anrufe']),
    bool(TABLE, 'CreditOnHold', ['Credit Hold', 'Kreditsperre']),
    bool(TABLE, 'Merged', ['Merged', 'Zusammengeführt']),
    customer('ParentCustomerId', ['Company Name', 'Firmenname']),
    lookup('MasterId', ['Master ID', 'Master-ID'], ['contact']),
    lookup('PreferredSystemUserId', ['Preferred User', 'Bevorzugter Benutzer'], ['systemuser']),
    ...addressColumns(TABLE, 1, 'full'),
    ...addressColumns(TABLE, 2, 'full'),
    column('Image', 'EntityImage', ['Entity Image', 'Bild'], {
      attributeOf: 'entityimageid',
      isLogical: true,
      sourceType: null,
    }),
    ...currencyColumns(),
    ...ownerColumns(),
    ...activeStateColumns(TABLE),
    ...auditColumns(),
  ],
});
