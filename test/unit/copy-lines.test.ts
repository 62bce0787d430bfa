import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { toCopyText } from '../../src/mirror/copy/copy-text.ts';
import { decodeCopyText } from './copy-decoder.ts';
import { pageRows } from './page-rows.ts';
import { column } from './sample-table.ts';

const COLUMNS = [column('n', 'integer'), column('t', 'text')];

interface Row {
  readonly text: string;
  readonly bad: boolean;
  readonly skipped: boolean;
}

const row: fc.Arbitrary<Row> = fc.record({
  text: fc.string({ unit: fc.constantFrom('\n', '\\', '\t', 'a', '\u00e9'), maxLength: 6 }),
  bad: fc.boolean(),
  skipped: fc.boolean(),
});

function copied(rows: readonly Row[]) {
  const cells = rows.map(({ text, bad }, at) => [
    String(at),
    bad ? String.raw`"x\u0000"` : JSON.stringify(text),
  ]);
  const skip = new Set(rows.flatMap(({ skipped }, at) => (skipped ? [at] : [])));
  return toCopyText(pageRows(cells, 2), COLUMNS, { skip });
}

test('each line stands alone between its offsets and names its row', () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 8 }), (rows) => {
      const { text, lines, rows: numbers } = copied(rows);
      const kept = rows.flatMap(({ bad, skipped }, at) => (bad || skipped ? [] : [at]));
      expect([...numbers]).toEqual(kept);
      expect(lines).toHaveLength(kept.length + 1);
      expect(lines[0]).toBe(0);
      expect(lines.at(-1)).toBe(text.length);
      for (const [at, number] of kept.entries()) {
        const line = text.subarray(lines[at], lines[at + 1]);
        expect(decodeCopyText(line)).toEqual([[String(number), rows[number]?.text]]);
      }
    }),
  );
});

test('a row that cannot be stored is reported once, and a skipped row is never reported', () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 8 }), (rows) => {
      const { unstorable } = copied(rows);
      const expected = rows.flatMap(({ bad, skipped }, at) => (bad && !skipped ? [at] : []));
      expect(unstorable.map((entry) => entry.row)).toEqual(expected);
      expect(new Set(unstorable.map((entry) => entry.column)).size).toBe(expected.length === 0 ? 0 : 1);
    }),
  );
});

test('a page without rows makes no COPY text', () => {
  const { text, lines, rows } = copied([]);
  expect(text).toHaveLength(0);
  expect([...lines]).toEqual([0]);
  expect(rows).toHaveLength(0);
});
