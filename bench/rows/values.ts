import { attributes, kindOf, propertyOf } from './attributes.ts';
import { keyOf } from './key.ts';

/** Rows differ in what follows their key; more different ones than this would not change the work. */
export const VARIETY = 500;

/** Two of five values are null, as in tables with many columns. */
const isNull = (row: number, column: number): boolean => (row * 7 + column * 3) % 5 < 2;

/** What follows key and version in each different row of JSON, its closing brace included. */
export function jsonTails(columns: number): Buffer[] {
  const rest = attributes(columns).slice(2);
  return everyRow((row) => {
    const members = rest.map((attribute, column) => `,"${propertyOf(attribute)}":${json(row, column)}`);
    return `${members.join('')}}`;
  });
}

/** What follows key and version in each different line of COPY text, its end included. */
export function copyTails(columns: number): Buffer[] {
  const rest = Array.from({ length: columns - 2 }, (_, column) => column);
  return everyRow((row) => `${rest.map((column) => `\t${value(row, column) ?? '\\N'}`).join('')}\n`);
}

function everyRow(text: (row: number) => string): Buffer[] {
  return Array.from({ length: VARIETY }, (_, row) => Buffer.from(text(row)));
}

function value(row: number, column: number): string | null {
  if (isNull(row, column)) return null;
  switch (kindOf(column)) {
    case 'text':
      return `Contoso value ${row} of ${column}`;
    case 'money':
      return `${row * 13 + column}.5000000000`;
    case 'integer':
      return String(100_000 + ((row * column) % 1_000));
    case 'boolean':
      return (row + column) % 2 === 0 ? 'true' : 'false';
    case 'moment':
      return `2024-0${(column % 9) + 1}-1${row % 10}T10:20:30Z`;
    case 'lookup':
      return keyOf(row * 31 + column);
  }
}

function json(row: number, column: number): string {
  const text = value(row, column);
  if (text === null) return 'null';
  const quoted = ['text', 'moment', 'lookup'].includes(kindOf(column));
  return quoted ? JSON.stringify(text) : text;
}
