import type { TableDefinition } from '../definitions/emulated-table.ts';
import { addressColumns } from '../table-parts/address-columns.ts';
import { bool, choice, dateTime, decimal, lookup, memo, money, text } from '../table-parts/column-kinds.ts';
import {
  auditColumns,
  currencyColumns,
  ownerColumns,
  primaryId,
  stateColumns,
} from '../table-parts/standard-columns.ts';
import { defineTable } from '../table-parts/built-in-table.ts';

const TABLE = 'lead';

export const lead: TableDefinition = defineTable({
  schemaName: 'Lead',
  entitySetName: 'leads',
  objectTypeCode: 4,
  displayName: ['Lead', 'Lead'],
  displayCollectionName: ['Leads', 'Leads'],
  description: ['Prospect or potential sales opportunity.', 'Interessent oder mögliche Verkaufschance.'],
  columns: [
    primaryId('LeadId', ['Lead', 'Lead']),
    text('FullName', ['Name', 'Name'], 160, { isPrimaryName: true }),
    text('FirstName', ['First Name', 'Vorname'], 50),
    text('LastName', ['Last Name', 'Nachname'], 50),
    text('Subject', ['Topic', 'Thema'], 300),
    text('CompanyName', ['Company Name', 'Firmenname'], 100),
    text('EMailAddress1', ['Email', 'E-Mail'], 100, { format: 'Email' }),
    text('Telephone1', ['Business Phone', 'Telefon'], 50),
    memo('Description', ['Description', 'Beschreibung']),
    ...money('BudgetAmount', ['Budget Amount', 'Budget']),
    decimal('new_Probability', ['Probability', 'Wahrscheinlichkeit'], 6),
    dateTime('EstimatedCloseDate', ['Est. Close Date', 'Vorauss. Abschluss'], 'DateOnly'),
    choice(
      TABLE,
      'LeadSourceCode',
      ['Lead Source', 'Leadquelle'],
      [
        { value: 1, label: ['Advertisement', 'Werbung'] },
        { value: 3, label: ['Employee Referral', 'Empfehlung durch Mitarbeiter'] },
        { value: 8, label: ['Web', 'Web'] },
      ],
    ),
    bool(TABLE, 'DecisionMaker', ['Decision Maker?', 'Entscheider?']),
    lookup('ParentAccountId', ['Parent Account for lead', 'Übergeordnete Firma'], ['account']),
    lookup('ParentContactId', ['Parent Contact for lead', 'Übergeordneter Kontakt'], ['contact']),
    ...addressColumns(TABLE, 1, 'short'),
    ...currencyColumns(),
    ...ownerColumns(),
    ...stateColumns(
      TABLE,
      [
        { value: 0, label: ['Open', 'Offen'], defaultStatus: 1 },
        { value: 1, label: ['Qualified', 'Qualifiziert'], defaultStatus: 3 },
        { value: 2, label: ['Disqualified', 'Disqualifiziert'], defaultStatus: 4 },
      ],
      [
        { value: 1, label: ['New', 'Neu'], state: 0 },
        { value: 2, label: ['Contacted', 'Kontaktiert'], state: 0 },
        { value: 3, label: ['Qualified', 'Qualifiziert'], state: 1 },
        { value: 4, label: ['Lost', 'Verloren'], state: 2 },
      ],
    ),
    ...auditColumns(),
  ],
});
