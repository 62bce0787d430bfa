import type { ShapeParts } from './shape.ts';

/** A table that connects others: few columns, nearly all with values. */
export const NARROW: ShapeParts = {
  name: 'narrow',
  key: 'contoso_orderlineid',
  look: { escapes: 0.02, memoEscapes: 0.5, memoLength: 80 },
  first: [
    { kind: 'lookup', filled: 1, names: 'contoso_orderid contoso_productid' },
    { kind: 'decimal', filled: 1, names: 'contoso_quantity' },
    { kind: 'money', filled: 1, names: 'contoso_amount contoso_amount_base' },
    { kind: 'integer', filled: 1, names: 'contoso_linenumber' },
    { kind: 'moment', filled: 1, names: 'createdon modifiedon' },
    { kind: 'state', filled: 1, names: 'statecode' },
    { kind: 'status', filled: 1, names: 'statuscode' },
  ],
  more: [
    { kind: 'text', filled: 0.9, names: 'contoso_name' },
    { kind: 'lookup', filled: 1, names: 'createdby modifiedby transactioncurrencyid' },
    { kind: 'choice', filled: 0.9, names: 'contoso_unit' },
    { kind: 'boolean', filled: 1, names: 'contoso_ismanual' },
    { kind: 'date', filled: 0.7, names: 'contoso_deliveryon' },
    { kind: 'text', filled: 0.2, names: 'contoso_comment' },
  ],
};
