import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePage, parseRow, RowShape, type ParsedPage } from '../../src/dataverse/page-parser.ts';
import { fixtureText } from './fixture.ts';
import { jsonText, mutated, numberText, scalarText, stringText } from './json-text.ts';
import { bytesOf, literals } from './page-rows.ts';

function parse(text: string, properties: readonly string[]): ParsedPage {
  return parsePage(bytesOf(text), new RowShape(properties));
}

const NAMES = ['accountid', 'name', 'id', 'reason', 'caf\u00e9 "x"'];

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A row's members in any order, some absent, among members that are no columns. */
const row = fc
  .record({
    values: fc.tuple(...NAMES.map(() => fc.option(fc.oneof(scalarText, fc.constant('[1, 2]'))))),
    written: fc.tuple(...NAMES.map((name) => stringText(fc.constant(name)))),
    absent: fc.tuple(...NAMES.map(() => fc.boolean())),
    unknown: fc.array(fc.tuple(fc.constantFrom('"@odata.etag"', '"name@OData.x"', '"Value"'), jsonText), {
      maxLength: 2,
    }),
    order: fc.infiniteStream(fc.nat()),
  })
  .map(({ values, written, absent, unknown, order }) => {
    const own = NAMES.flatMap((_, at) =>
      absent[at] ? [] : [[written[at] ?? '', values[at] ?? 'null'] as const],
    );
    const members = [...own, ...unknown]
      .map((member) => ({ member, at: Number(order.next().value) }))
      .sort((a, b) => a.at - b.at)
      .map(({ member: [name, value] }) => `${name} : ${value}`);
    return { text: `{${members.join(' ,')}}`, cells: values.map((value, at) => (absent[at] ? null : value)) };
  });

test('every cell is its source text, in any order, with absent, unknown and escaped members', () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 4 }), (rows) => {
      const page = parse(
        `{"value":[${rows.map(({ text }) => text).join(',\n')}],"@odata.nextLink":"u"}`,
        NAMES,
      );
      expect(literals(page)).toEqual(rows.map(({ cells }) => cells));
    }),
    { numRuns: 500 },
  );
});

/** How many rows JSON.parse sees in a page, or what is wrong with it. */
function judged(text: string): number | 'no JSON' | 'no page' {
  try {
    const rows = (JSON.parse(text) as { value?: unknown } | null)?.value;
    return Array.isArray(rows) && rows.every((item: unknown) => isObject(item)) ? rows.length : 'no page';
  } catch {
    return 'no JSON';
  }
}

function outcome(text: string): number | 'no JSON' | 'no page' {
  try {
    return parse(text, NAMES).rows;
  } catch (error) {
    if (error instanceof TypeError) return 'no page';
    if (error instanceof SyntaxError) return judged(text) === 'no page' ? 'no page' : 'no JSON';
    throw error;
  }
}

test('a page that JSON.parse refuses is refused, and one it takes gives as many rows', () => {
  const page = fc
    .array(row, { maxLength: 3 })
    .map((rows) => `{"@odata.context":"c","value":[${rows.map(({ text }) => text).join(',')}]}`);
  fc.assert(
    fc.property(mutated(page), (text) => {
      expect(outcome(text)).toBe(judged(text));
    }),
    { numRuns: 2_000 },
  );
});

test('a page cut anywhere is refused', () => {
  const bytes = bytesOf(fixtureText('delta-changes-docs.json').trimEnd());
  const shape = new RowShape(['accountid', 'name']);
  expect(parsePage(bytes, shape).rows).toBe(1);
  for (let end = 0; end < bytes.length; end++) {
    expect(() => parsePage(bytes.subarray(0, end), shape)).toThrow(SyntaxError);
  }
});

test('no number is rounded', () => {
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
    '{"value":[{"c":{"Value":true,"CanBeChanged":false,"ManagedPropertyLogicalName":"c"}},{"c":{"CanBeChanged":true,"Value":false}},{"c":{"Value":null}},{"c":{}},{"c":null}]}',
    ['c'],
  );
  expect(literals(page)).toEqual([['true'], ['false'], [null], [null], [null]]);
});

test('rows whose members change place from row to row keep their values apart', () => {
  const page = parse('{"value":[{"a":1,"b":2},{"b":3,"a":4},{"c":5,"a":6},{},{"a":7,"c":8,"b":9}]}', [
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

test('more rows than the first buffer holds are all kept', () => {
  const numbers = Array.from({ length: 1_000 }, (_, at) => at);
  const page = parse(`{"value":[${numbers.map((n) => `{"n":${n},"m":null}`).join(',')}]}`, ['n', 'm']);
  expect(literals(page)).toEqual(numbers.map((n) => [String(n), null]));
});

test('a page with a byte order mark is refused', () => {
  expect(() => parse('\uFEFF{"value":[]}', [])).toThrow(SyntaxError);
});

test.each(['{}', '{"value":null}', '{"value":{}}', '{"error":{"code":"0x0"}}'])('%s is no page', (text) => {
  expect(() => parse(text, ['n'])).toThrow(TypeError);
});

test.each(['[]', '"value"', '{"value":[1]}', '{"value":[null]}', '{"value":[[]]}'])(
  '%s is no page',
  (text) => {
    expect(() => parse(text, ['n'])).toThrow(SyntaxError);
  },
);

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
