import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePage, parseRow, RowShape, type ParsedPage } from '../../src/dataverse/page/page-parser.ts';
import { fixtureText } from './fixture.ts';
import { numberText } from './json-text.ts';
import { bytesOf, literals } from './page-rows.ts';
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

test('a page is even where each member that any row has came with every row, null included', () => {
  fc.assert(
    fc.property(fc.array(rowText, { maxLength: 3 }), (rows) => {
      const came = rows.map(({ text }) => new Set(Object.keys(JSON.parse(text) as object)));
      const isEven = NAMES.every((name) => new Set(came.map((members) => members.has(name))).size < 2);
      expect(parse(`{"value":[${rows.map(({ text }) => text).join(',')}]}`, NAMES).isEven).toBe(isEven);
    }),
    { numRuns: 300 },
  );
  const tombstone = '{"@odata.context":"#a/$deletedEntity","id":"00000000-0000-4000-8000-000000000001"}';
  expect(parse(`{"value":[{"a":1,"b":null},${tombstone}]}`, ['a', 'b']).isEven).toBe(true);
  expect(parse('{"value":[{"a":1},{"a":1,"a@b":"c"}]}', ['a', 'a@b']).isEven).toBe(true);
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
