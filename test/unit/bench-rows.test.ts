import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyOf } from '../../bench/rows/key.ts';
import { pageOf, type PageLook } from '../../bench/rows/page.ts';
import { PreparedRows } from '../../bench/rows/prepared-rows.ts';
import { VARIETY } from '../../bench/rows/row-texts.ts';
import { versionOf } from '../../bench/rows/version.ts';
import { KINDS } from '../../bench/shapes/kinds.ts';
import { columnsOf, propertyOf } from '../../bench/shapes/shape.ts';
import { shapeOf, type ShapeName } from '../../bench/shapes/shapes.ts';

const NAMES: readonly ShapeName[] = ['account', 'narrow', 'memos', 'activity', 'uniform'];
type Row = Readonly<Record<string, string | number | boolean | null>>;

function rowsOf(name: ShapeName, look: PageLook): Row[] {
  return (JSON.parse(pageOf(name, look).toString()) as { value: Row[] }).value;
}

function escaped(page: Buffer): number {
  return page.toString().match(/\\(?:u....|.)/g)?.length ?? 0;
}

test.each(NAMES)('the shape %s has as many columns as are asked for, each once', (name) => {
  for (const columns of [20, 60, 150, 400]) {
    const all = shapeOf(name, columns).attributes.flatMap(columnsOf);
    expect(all).toHaveLength(columns);
    expect(new Set(all).size).toBe(columns);
  }
});

test.each(NAMES)('prepared JSON of the shape %s contains the rows that were written into it last', (name) => {
  const shape = shapeOf(name, 20);
  const prepared = PreparedRows.json(shape, true, 2 * VARIETY);
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: VARIETY }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 0, max: 5_000_000 }),
      fc.integer({ min: 0, max: 50 }),
      (first, count, from, changes) => {
        const text = prepared.write(first, count, (at) => from + at, changes).toString();
        const rows = JSON.parse(`[${text.slice(1)}]`) as Row[];
        const versions = rows.map((_, at) => versionOf(from + at, changes));
        expect(rows.map((row) => row[shape.key])).toEqual(rows.map((_, at) => keyOf(from + at)));
        expect(rows.map((row) => row['versionnumber'])).toEqual(versions);
        expect(rows.map((row) => row['@odata.etag'])).toEqual(versions.map((version) => `W/"${version}"`));
      },
    ),
    { numRuns: 20 },
  );
});

test.each(NAMES)('COPY text of the shape %s has the values of its JSON', (name) => {
  const shape = shapeOf(name, 60);
  const look = { columns: 60, rows: 40 };
  const lines = PreparedRows.copyText(shape, VARIETY)
    .write(0, look.rows, (at) => at, 0)
    .toString()
    .trimEnd()
    .split('\n');
  const expected = rowsOf(name, look).map((row) =>
    shape.attributes.flatMap((attribute) => {
      const property = propertyOf(attribute);
      const value = row[property] ?? null;
      const field = attribute.kind === 'choices' && value !== null ? `{${String(value)}}` : value;
      const table = row[`${property}@Microsoft.Dynamics.CRM.lookuplogicalname`] ?? null;
      return (KINDS[attribute.kind].targets ?? []).length > 1 ? [field, table] : [field];
    }),
  );
  const copied = lines.map((line, row) =>
    line.split('\t').map((field, at) => {
      const like = expected[row]?.[at];
      if (field === '\\N') return null;
      if (typeof like === 'number') return Number(field);
      if (typeof like === 'boolean') return field === 'true';
      return field.replace(
        /\\(.)/g,
        (_, letter: string) => ({ t: '\t', n: '\n', r: '\r' })[letter] ?? letter,
      );
    }),
  );
  expect(copied).toEqual(expected);
});

test('rows of the account-like shape have their values first, then their nulls, so that orders differ', () => {
  const rows = rowsOf('account', { columns: 150, rows: 100 });
  for (const row of rows) {
    const values = Object.values(row);
    expect(values.slice(values.indexOf(null)).every((value) => value === null)).toBe(true);
    expect(Object.keys(row)[0]).toBe('@odata.etag');
  }
  expect(new Set(rows.map((row) => Object.keys(row).join())).size).toBe(rows.length);
  const share =
    rows.flatMap(Object.values).filter((value) => value === null).length / rows.flatMap(Object.values).length;
  expect(share).toBeGreaterThan(0.4);
  expect(share).toBeLessThan(0.6);
});

test('rows with nulls in place differ in their annotations only', () => {
  const rows = rowsOf('account', { columns: 60, rows: 50, nulls: 'in-place' });
  const orders = rows.map((row) =>
    Object.keys(row)
      .filter((name) => name.startsWith('@') || !name.includes('@'))
      .join(),
  );
  expect(new Set(orders).size).toBe(1);
});

test('a page has as many texts with an escape as are asked for', () => {
  const etags = 2 * VARIETY;
  expect(escaped(pageOf('account', { columns: 150, rows: VARIETY, escapes: 0 }))).toBe(etags);
  expect(escaped(pageOf('account', { columns: 150, rows: VARIETY, escapes: 0.1 }))).toBeGreaterThan(
    2 * etags,
  );
});

test('texts of a page have characters of one to four bytes', () => {
  const text = pageOf('account', { columns: 60, rows: 100 }).toString();
  for (const character of ['a', 'ü', '社', '🚀']) expect(text).toContain(character);
});

test('a copy of prepared rows keeps its values when the original is written again', () => {
  const first = PreparedRows.copyText(shapeOf('narrow', 20), 2);
  const text = first.copy().write(0, 1, () => 5, 0);
  first.write(0, 1, () => 6, 0);
  expect(text.toString()).toContain(keyOf(5));
});
