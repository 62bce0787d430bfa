import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { toCopyText, type CopyText } from '../../src/mirror/copy/copy-text.ts';
import { DEFAULT_ROW_POLICY, type RowPolicy } from '../../src/mirror/quarantine/row-policy.ts';
import type { Column } from '../../src/model/table.ts';
import { decodeCopyText } from './copy-decoder.ts';
import { numberText, stringText } from './json-text.ts';
import { pageRows } from './page-rows.ts';
import { column } from './sample-table.ts';

const TEXTS = [column('a', 'text'), column('b', 'text')];

function copied(
  rows: readonly (string | null)[][],
  columns: readonly Column[],
  policy: RowPolicy = DEFAULT_ROW_POLICY,
): CopyText {
  return toCopyText(pageRows(rows, columns.length), columns, { policy });
}

const decoded = (copy: CopyText): (string | null)[][] => decodeCopyText(copy.text);

/** Characters PostgreSQL can hold, those that COPY treats specially among them. */
const storable = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\\', '\t', '\n', '\r', '\b', '\f', '\v', '"', '/', 'N', '.', '\u007f'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }).filter((unit) => unit !== '\0'),
  ),
  maxLength: 12,
});
const pair = storable.chain((text) => stringText(fc.constant(text)).map((literal) => ({ text, literal })));

test('every string comes out of COPY as it went in, however JSON wrote it', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.option(pair), fc.option(pair)), { maxLength: 4 }), (rows) => {
      const copy = copied(
        rows.map((row) => row.map((cell) => cell?.literal ?? null)),
        TEXTS,
      );
      expect(copy.unstorable).toEqual([]);
      expect(decoded(copy)).toEqual(rows.map((row) => row.map((cell) => cell?.text ?? null)));
    }),
    { numRuns: 2_000 },
  );
});

test(String.raw`the values \N and \. and a lone backslash are text, and null is null`, () => {
  const values = ['\\N', '\\.', '\\', '', null, 'N'];
  const copy = copied(
    values.map((value) => [value === null ? null : JSON.stringify(value), null]),
    TEXTS,
  );
  expect(decoded(copy)).toEqual(values.map((value) => [value, null]));
  const lines = new TextDecoder().decode(copy.text).split('\n');
  expect(lines).not.toContain('\\.');
  expect(lines[0]).toBe('\\\\N\t\\N');
});

test('numbers and booleans are the source text', () => {
  fc.assert(
    fc.property(numberText, fc.constantFrom('true', 'false'), (number, boolean) => {
      const copy = copied([[number, boolean]], [column('n', 'numeric'), column('b', 'boolean')]);
      expect(new TextDecoder().decode(copy.text)).toBe(`${number}\t${boolean}\n`);
    }),
  );
});

test('a long value of nothing but escapes fits', () => {
  const value = '\\\n'.repeat(50_000);
  expect(decoded(copied([[JSON.stringify(value), null]], TEXTS))).toEqual([[value, null]]);
});

test('option values become an array', () => {
  const columns = [column('o', 'integers'), column('a', 'text')];
  const copy = copied(
    [
      ['"1,8,9"', '"x"'],
      ['"100000001"', null],
      ['"-1, 2"', null],
      [null, null],
    ],
    columns,
  );
  expect(decoded(copy)).toEqual([
    ['{1,8,9}', 'x'],
    ['{100000001}', null],
    ['{-1, 2}', null],
    [null, null],
  ]);
});

test.each([String.raw`"\u0000"`, String.raw`"a\u0000b"`])(
  'a NUL in %s cannot be stored, and the message names the column',
  (literal) => {
    const { unstorable, text } = copied([[null, literal]], TEXTS);
    expect(unstorable).toEqual([{ row: 0, column: 'b', reason: expect.stringContaining('NUL') as string }]);
    expect(text).toHaveLength(0);
  },
);

test.each([
  String.raw`"\ud800"`,
  String.raw`"\uDC00"`,
  String.raw`"\ud800\ud800"`,
  String.raw`"\udc00\ud800"`,
  String.raw`"\ud83dx"`,
  String.raw`"\ud83d\n"`,
])('half a surrogate pair in %s cannot be stored, and the message names the column', (literal) => {
  const { unstorable } = copied([[literal, null]], TEXTS);
  expect(unstorable).toEqual([
    { row: 0, column: 'a', reason: expect.stringContaining('surrogate') as string },
  ]);
});

test.each([
  ['integers', '"1,x"'],
  ['integers', '[1,2]'],
  ['text', '{"Label":"x"}'],
  ['text', '["x"]'],
] as const)('a column of type %s cannot hold %s', (type, literal) => {
  const { unstorable } = copied([[literal]], [column('c', type)]);
  expect(unstorable).toMatchObject([{ row: 0, column: 'c' }]);
});

test('a NUL is replaced where the policy says so, and nothing else changes', () => {
  const replace: RowPolicy = { ...DEFAULT_ROW_POLICY, nul: 'replace' };
  const text = fc.string({
    unit: fc.constantFrom('\0', 'a', '\\', '\ufffd', '\u{1F600}', '\n'),
    maxLength: 8,
  });
  fc.assert(
    fc.property(text, (value) => {
      const copy = copied([[JSON.stringify(value), null]], TEXTS, replace);
      expect(copy.unstorable).toEqual([]);
      expect(decoded(copy)).toEqual([[value.replaceAll('\0', '\ufffd'), null]]);
    }),
  );
  expect(copied([[String.raw`"\ud800\u0000"`, null]], TEXTS, replace).unstorable).toHaveLength(1);
});
