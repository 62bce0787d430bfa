import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePage } from '../../src/dataverse/page/page-parser.ts';
import { RowShape } from '../../src/dataverse/page/row-collector.ts';
import { withCells, type SideCells } from '../../src/dataverse/page/combined-rows.ts';
import { cellText, isSpelledOut } from '../../src/model/page.ts';
import { jsonText, scalarText } from './json-text.ts';
import { bytesOf, cellLiteral } from './page-rows.ts';

const FIELDS = ['a', 'b', 'c', 'd'];
/** Which fields came with the page itself, and which in two responses beside it. */
const PARTS = [['a'], ['c', 'b'], ['d']] as const;

type Row = Record<string, string | null>;

function response(fields: readonly string[], rows: readonly Row[]): string {
  const entries = rows.map(
    (row) => `{${fields.map((field) => `"${field}":${row[field] ?? 'null'}`).join(',')}}`,
  );
  return `{"value":[${entries.join(',')}]}`;
}

const row = fc.record(Object.fromEntries(FIELDS.map((field) => [field, fc.option(scalarText)])));

test('cells from side reads hold what JSON.parse reads there, and null where the row did not come', () => {
  const order = fc.array(fc.nat(), { minLength: 12, maxLength: 12 });
  fc.assert(
    fc.property(fc.array(row, { maxLength: 6 }), order, jsonText, (rows, dice, noise) => {
      const [own, ...beside] = PARTS;
      const page = parsePage(
        bytesOf(response(own, rows).replace(/\}$/, `,"@noise":[${noise}]}`)),
        new RowShape(FIELDS),
      );
      const expected = rows.map((each) => ({
        ...Object.fromEntries(FIELDS.map((f) => [f, null])),
        a: each['a'],
      }));
      const sides = beside.map((fields, part): SideCells => {
        // Any order, and some rows are missing.
        const came = rows
          .map((_, at) => at)
          .filter((at) => (dice[at + 6 * part] ?? 0) % 4 !== 0)
          .toSorted((x, y) => (dice[x] ?? 0) - (dice[y] ?? 0));
        const text = response(
          fields,
          came.map((at) => rows[at] ?? {}),
        );
        const parsed: unknown = JSON.parse(text);
        const values = (parsed as { value: Record<string, unknown>[] }).value;
        for (const [position, at] of came.entries()) {
          for (const field of fields) {
            const value = values[position]?.[field];
            Object.assign(expected[at] ?? {}, { [field]: value === null ? null : rows[at]?.[field] });
          }
        }
        return {
          rows: parsePage(bytesOf(text), new RowShape(fields)),
          rowOf: Int32Array.from(rows, (_, at) => came.indexOf(at)),
          fields: fields.map((field) => FIELDS.indexOf(field)),
        };
      });
      const merged = withCells(page, sides);
      expect(merged.rows).toBe(rows.length);
      for (const [at, values] of expected.entries()) {
        for (const [field, name] of FIELDS.entries()) {
          const literal = (values as Row)[name] ?? null;
          expect(cellLiteral(merged, at, field)).toBe(literal);
          const text: unknown = literal?.startsWith('"') === true ? JSON.parse(literal) : literal;
          expect(cellText(merged, at, field)).toBe(text);
        }
      }
    }),
  );
});

test('two rows of one key both get the cells of the one row that came', () => {
  const page = parsePage(bytesOf('{"value":[{"a":"k"},{"a":"k"}]}'), new RowShape(['a', 'b']));
  const rows = parsePage(bytesOf('{"value":[{"b":1.50}]}'), new RowShape(['b']));
  const merged = withCells(page, [{ rows, rowOf: Int32Array.of(0, 0), fields: [1] }]);
  expect([cellLiteral(merged, 0, 1), cellLiteral(merged, 1, 1)]).toEqual(['1.50', '1.50']);
});

test('a null that is written out shows that the member was asked for, and an absent member shows that it was not', () => {
  const page = parsePage(bytesOf('{"value":[{"a":1},{"a":2,"b":null}]}'), new RowShape(['a', 'b', 'c']));
  expect([0, 1, 2].map((field) => isSpelledOut(page, field))).toEqual([true, true, false]);
});
