import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePage, parseRow, type ParsedPage } from '../../src/dataverse/page/page-parser.ts';
import { RowShape } from '../../src/dataverse/page/row-collector.ts';
import { fixtureText } from './fixture.ts';
import { numberText } from './json-text.ts';
import { bytesOf, literals } from './page-rows.ts';
import { MANY_NAMES, pageText } from './page-text.ts';
import { NAMES, rowText } from './row-text.ts';

function parse(text: string, properties: readonly string[]): ParsedPage {
  return parsePage(bytesOf(text), new RowShape(properties));
}

test('a cell is its source text, in any order, with absent, unknown and escaped members', () => {
  fc.assert(
    fc.property(fc.array(rowText, { maxLength: 4 }), (rows) => {
      const page = parse(
        `{"value":[${rows.map(({ text }) => text).join(',\n')}],"@odata.nextLink":"u"}`,
        NAMES,
      );
      expect(literals(page)).toEqual(rows.map(({ cells }) => cells));
    }),
    { numRuns: 500 },
  );
});

test('rows of many pages in any order are what JSON.parse makes of them', () => {
  fc.assert(
    fc.property(fc.array(pageText, { minLength: 1, maxLength: 3 }), (pages) => {
      // The shape learns the names of one page, and the next pages use them.
      const shape = new RowShape(MANY_NAMES);
      for (const text of pages) {
        const { value } = JSON.parse(text) as { value: Record<string, unknown>[] };
        const expected = value.map((row) => MANY_NAMES.map((name) => row[name] ?? null));
        const page = parsePage(bytesOf(text), shape);
        const found = literals(page).map((row) => row.map((cell) => JSON.parse(cell ?? 'null') as unknown));
        expect(found).toEqual(expected);
      }
    }),
    { numRuns: 1_000 },
  );
});

test('a member that is written more than once has its last value, as with JSON.parse', () => {
  const page = parse('{"value":[{"a":1,"b":2,"a":null},{"a":null,"b":{"Value":1},"a":3,"b":4}]}', ['a', 'b']);
  expect(literals(page)).toEqual([
    [null, '2'],
    ['3', '4'],
  ]);
});

test.each([
  ['after each colon and comma', ': ', ', '],
  ['around everything', ' \t:\r\n ', '\n ,\n '],
])('blanks %s belong to no cell', (_, colon, comma) => {
  const row = ['"name"', '"b"', '"c"', '"d"', '"e"'].map((name, at) => {
    const value = ['"x"', 'null', '7', 'true', '{"Value":false}'][at] ?? '';
    return `${name}${colon}${value}`;
  });
  const rows = [row, row.toReversed(), row].map((members) => `{${members.join(comma)}}`);
  const page = parse(`{"value":[${rows.join(comma)}]}`, ['name', 'b', 'c', 'd', 'e']);
  expect(literals(page)).toEqual(rows.map(() => ['"x"', null, '7', 'true', 'false']));
});

test('a page keeps its values when it has more names that are no columns than are remembered', () => {
  const shape = new RowShape(['name', 'last']);
  for (let page = 0; page < 3; page++) {
    const others = Array.from({ length: 3_000 }, (_, at) => `"other_${page}_${at}":${at}`).join();
    const text = `{"value":[{"name":1,${others},"last":2},{"last":3,${others},"name":4}]}`;
    expect(literals(parsePage(bytesOf(text), shape))).toEqual([
      ['1', '2'],
      ['4', '3'],
    ]);
  }
});

test('a number is never rounded', () => {
  fc.assert(
    fc.property(numberText, (number) => {
      expect(literals(parse(`{"value":[{"n":${number}}]}`, ['n']))).toEqual([[number]]);
    }),
  );
  const exact = ['922337203685477.5807', '9007199254740993', '4990.0000000000', '-9223372036854775808'];
  const page = parse(`{"value":[${exact.map((number) => `{"n":${number}}`).join(',')}]}`, ['n']);
  expect(literals(page)).toEqual(exact.map((number) => [number]));
});

test("a managed property's cell is its value", () => {
  const page = parse(
    '{"value":[{"c":{"Value":true,"CanBeChanged":false,"ManagedPropertyLogicalName":"c"}},{"c":{"CanBeChanged":true,"Value":false}},{"c":{"Value":null}},{"c":null}]}',
    ['c'],
  );
  expect(literals(page)).toEqual([['true'], ['false'], [null], [null]]);
});

test('an object other than a managed property is kept, and not taken for null', () => {
  const page = parse('{"value":[{"c":{ "Label": {"Value":1} } ,"d":2},{"c":{},"d":{"value":1}}]}', [
    'c',
    'd',
  ]);
  expect(literals(page)).toEqual([
    ['{ "Label": {"Value":1} }', '2'],
    ['{}', '{"value":1}'],
  ]);
});

test('rows whose members change place from row to row keep their values apart', () => {
  const page = parse('{"value":[{"a":1,"b":2},{"b":3,"a":4},{"c":5,"a":6},{"b":null},{"a":7,"c":8,"b":9}]}', [
    'a',
    'b',
  ]);
  expect(literals(page)).toEqual([
    ['1', '2'],
    ['4', '3'],
    ['6', null],
    [null, null],
    ['7', '9'],
  ]);
});

test('rows beyond the size of the first buffer are all kept', () => {
  const numbers = Array.from({ length: 1_000 }, (_, at) => at);
  const page = parse(`{"value":[${numbers.map((n) => `{"n":${n},"m":null}`).join(',')}]}`, ['n', 'm']);
  expect(literals(page)).toEqual(numbers.map((n) => [String(n), null]));
});

test('a live row keeps every value exactly, members of any name and nulls included', () => {
  const text = fixtureText('account-row.json');
  const properties = [
    'revenue',
    'exchangerate',
    'accountid',
    'telephone3',
    '_ownerid_value',
    'merged',
    'none',
  ];
  expect(literals(parseRow(bytesOf(text), new RowShape(properties)))).toEqual([
    [
      '5000000.0000000000',
      '1.000000000000',
      '"00000000-0000-0000-0000-000000000020"',
      null,
      '"c76fee97-961f-ef11-840b-000d3abf969a"',
      'false',
      null,
    ],
  ]);
});
