import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { joinPages } from '../../src/dataverse/page/combined-rows.ts';
import { cellText } from '../../src/model/page.ts';
import { parseRow } from '../../src/dataverse/page/page-parser.ts';
import { RowShape } from '../../src/dataverse/page/row-collector.ts';
import { scalarText } from './json-text.ts';
import { bytesOf, literals, pageRows } from './page-rows.ts';

const WIDTH = 3;
const part = fc
  .array(fc.array(fc.option(scalarText), { minLength: WIDTH, maxLength: WIDTH }), { maxLength: 4 })
  .map((rows) => ({ rows, page: pageRows(rows, WIDTH) }));

test('the rows of several responses follow each other with the same cells', () => {
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
      const joined = joinPages(parts.map(({ page }) => page));
      expect(joined.rows).toBe(parts.reduce((sum, { rows }) => sum + rows.length, 0));
      expect(literals(joined)).toEqual(parts.flatMap(({ rows }) => rows));
    }),
  );
});

test('a single response is joined without a copy', () => {
  const page = pageRows([['1', null, '"x"']], WIDTH);
  expect(joinPages([page])).toBe(page);
});

test('rows read one by one join the page they belong to', () => {
  const shape = new RowShape(['a', 'b']);
  const rows = ['{"b":"\u00e9","a":1.50}', '{"a":null,"b":"z"}'].map((text) =>
    parseRow(bytesOf(text), shape),
  );
  const joined = joinPages([pageRows([['0', '"first"']], 2), ...rows]);
  expect(literals(joined)).toEqual([
    ['0', '"first"'],
    ['1.50', '"\u00e9"'],
    [null, '"z"'],
  ]);
});

test('an empty list of responses cannot be joined', () => {
  expect(() => joinPages([])).toThrow(TypeError);
});

test('the text of a cell is its characters, its number as written, or null', () => {
  const page = pageRows([[String.raw`"\u00e9\"\n"`, '4990.0000000000', null]], WIDTH);
  expect([0, 1, 2].map((field) => cellText(page, 0, field))).toEqual(['\u00e9"\n', '4990.0000000000', null]);
});
