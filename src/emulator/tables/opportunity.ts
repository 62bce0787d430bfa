import type { TableDefinition } from '../definitions/emulated-table.ts';
import {
  bool,
  choice,
  customer,
  dateTime,
  decimal,
  integer,
  lookup,
  memo,
  money,
  text,
} from '../table-parts/column-kinds.ts';
import {
  auditColumns,
  currencyColumns,
  ownerColumns,
  primaryId,
  stateColumns,
} from '../table-parts/standard-columns.ts';
import { defineTable } from '../table-parts/built-in-table.ts';

const TABLE = 'opportunity';

export const opportunity: TableDefinition = defineTable({
  schemaName: 'Opportunity',
  entitySetName: 'opportunities',
  objectTypeCode: 3,
  displayName: ['Opportunity', 'Verkaufschance'],
  displayCollectionName: ['Opportunities', 'Verkaufschancen'],
  description: ['Potential revenue-generating event.', 'Ereignis, das Umsatz bringen könnte.'],
  columns: [
    primaryId('OpportunityId', ['Opportunity', 'Verkaufschance']),
    text('Name', ['Topic', 'Thema'], 300, { isPrimaryName: true, requiredLevel: 'ApplicationRequired' }),
    memo('Description', ['Description', 'Beschreibung']),
    text('StepName', ['Pipeline Phase', 'Pipelinephase'], 200),
    ...money('EstimatedValue', ['Est. Revenue', 'Vorauss. Umsatz']),
    ...money('ActualValue', ['Actual Revenue', 'Tatsächlicher Umsatz']),
    ...money('TotalAmount', ['Total Amount', 'Gesamtbetrag']),
    decimal('DiscountPercentage', ['Opportunity Discount (%)', 'Rabatt (%)'], 2),
    integer('CloseProbability', ['Probability', 'Wahrscheinlichkeit'], { minValue: '0', maxValue: '100' }),
    dateTime('EstimatedCloseDate', ['Est. Close Date', 'Vorauss. Abschluss'], 'DateOnly'),
    dateTime('ActualCloseDate', ['Actual Close Date', 'Tatsächlicher Abschluss'], 'DateOnly'),
    choice(
      TABLE,
      'SalesStageCode',
      ['Process Code', 'Prozesscode'],
      [{ value: 1, label: ['Default Value', 'Standardwert'] }],
    ),
    choice(
      TABLE,
      'PurchaseTimeframe',
      ['Purchase Timeframe', 'Kaufzeitraum'],
      [
        { value: 0, label: ['Immediate', 'Sofort'] },
        { value: 1, label: ['This Quarter', 'Dieses Quartal'] },
        { value: 4, label: ['Unknown', 'Unbekannt'] },
      ],
    ),
    bool(
      TABLE,
      'IsRevenueSystemCalculated',
      ['Revenue', 'Umsatz'],
      [
        ['User Provided', 'Vom Benutzer'],
        ['System Calculated', 'Vom System'],
      ],
    ),
    customer('CustomerId', ['Potential Customer', 'Potenzieller Kunde']),
    lookup('ParentAccountId', ['Account', 'Firma'], ['account']),
    lookup('ParentContactId', ['Contact', 'Kontakt'], ['contact']),
    lookup('OriginatingLeadId', ['Originating Lead', 'Ursprungslead'], ['lead']),
    ...currencyColumns(),
    ...ownerColumns(),
    ...stateColumns(
      TABLE,
      [
        { value: 0, label: ['Open', 'Offen'], defaultStatus: 1 },
        { value: 1, label: ['Won', 'Gewonnen'], defaultStatus: 3 },
        { value: 2, label: ['Lost', 'Verloren'], defaultStatus: 4 },
      ],
      [
        { value: 1, label: ['In Progress', 'In Bearbeitung'], state: 0 },
        { value: 3, label: ['Won', 'Gewonnen'], state: 1 },
        { value: 4, label: ['Canceled', 'Abgebrochen'], state: 2 },
      ],
    ),
    ...auditColumns(),
  ],
});
