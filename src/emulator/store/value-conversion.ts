import type { AttributeKind } from '../definitions/attribute-kind.ts';
import type { Column } from '../definitions/column.ts';

const TEXTS: ReadonlySet<AttributeKind> = new Set(['String', 'Memo']);
const WHOLE: ReadonlySet<AttributeKind> = new Set(['Integer', 'BigInt']);
const NUMBERS: ReadonlySet<AttributeKind> = new Set(['Integer', 'BigInt', 'Decimal', 'Double', 'Money']);

/**
 * What becomes of a stored JSON literal when its column is given another kind or date behaviour.
 *
 * A text stays in another kind of text, a whole number in another kind of number, and a date loses its time or
 * gets midnight. All else becomes null: Dataverse has no other way to change a kind than to delete the column
 * and make it anew under its name.
 */
export function convertedLiteral(literal: string, from: Column, to: Column): string | null {
  if (from.kind === 'DateTime' && to.kind === 'DateTime') return convertedDate(literal, to);
  if (from.kind === to.kind) return literal;
  if (TEXTS.has(from.kind) && TEXTS.has(to.kind)) return literal;
  return WHOLE.has(from.kind) && NUMBERS.has(to.kind) ? literal : null;
}

function convertedDate(literal: string, to: Column): string {
  const value = JSON.parse(literal) as string;
  const [date = value] = value.split('T');
  if (to.behavior === 'DateOnly') return JSON.stringify(date);
  return value === date ? JSON.stringify(`${date}T00:00:00Z`) : literal;
}
