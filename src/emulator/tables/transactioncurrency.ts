import type { TableDefinition } from '../definitions/emulated-table.ts';
import { column, decimal, integer, text } from '../table-parts/column-kinds.ts';
import { activeStateColumns, auditColumns, primaryId } from '../table-parts/standard-columns.ts';
import { defineTable } from '../table-parts/built-in-table.ts';

export const transactioncurrency: TableDefinition = defineTable({
  schemaName: 'TransactionCurrency',
  entitySetName: 'transactioncurrencies',
  objectTypeCode: 9105,
  ownershipType: 'OrganizationOwned',
  displayName: ['Currency', 'Währung'],
  displayCollectionName: ['Currencies', 'Währungen'],
  columns: [
    primaryId('TransactionCurrencyId', ['Transaction Currency', 'Transaktionswährung']),
    text('CurrencyName', ['Currency Name', 'Währungsname'], 100, { isPrimaryName: true }),
    text('CurrencySymbol', ['Currency Symbol', 'Währungssymbol'], 13),
    text('ISOCurrencyCode', ['Currency Code', 'Währungscode'], 5),
    integer('CurrencyPrecision', ['Currency Precision', 'Währungsgenauigkeit'], {
      minValue: '0',
      maxValue: '10',
    }),
    decimal('ExchangeRate', ['Exchange Rate', 'Wechselkurs'], 12, { minValue: '0.0000000001' }),
    column('Uniqueidentifier', 'OrganizationId', ['Organization', 'Organisation'], { sourceType: null }),
    ...activeStateColumns('transactioncurrency'),
    ...auditColumns(),
  ],
});
