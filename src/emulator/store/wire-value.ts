/**
 * A value as it travels in a row. Numbers are kept as their literal text: a JavaScript number would round
 * 922337203685477.5807 or 9007199254740993, and the trailing zeros of 4990.0000000000 would be lost.
 * `json` is for the few columns of a complex type (BooleanManagedProperty).
 */
export type WireValue = null | boolean | string | { readonly number: string } | { readonly json: string };

/** A lookup given with its target table, needed where a column may point at several tables. */
export interface LookupReference {
  readonly table: string;
  readonly id: string;
}

/** Values that the store accepts on a write: wire values, and handier forms for tests. */
export type WireInput = WireValue | number | bigint | LookupReference;

const NUMBER_LITERAL = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

export function isLookupReference(value: WireInput): value is LookupReference {
  return typeof value === 'object' && value !== null && 'table' in value;
}

/** The JSON literal of a value exactly as a row carries it; null stands for the literal `null`. */
export function literalOf(value: WireInput): string | null {
  if (value === null) return null;
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return numberLiteral(String(value));
  if ('number' in value) return numberLiteral(value.number);
  if ('json' in value) return value.json;
  return JSON.stringify(value.id.toLowerCase());
}

/** The inverse of {@link literalOf} for literals that the store produced. */
export function valueOf(literal: string | null): WireValue {
  if (literal === null) return null;
  const first = literal.charCodeAt(0);
  if (first === 0x22) return JSON.parse(literal) as string;
  if (literal === 'true') return true;
  if (literal === 'false') return false;
  if (first === 0x7b || first === 0x5b) return { json: literal };
  return { number: literal };
}

function numberLiteral(text: string): string {
  if (!NUMBER_LITERAL.test(text)) throw new Error(`Not a JSON number: ${text}`);
  return text;
}
