import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePage, RowShape, type ParsedPage } from '../../src/dataverse/page-parser.ts';
import { fixtureText } from './fixture.ts';
import { mutated } from './json-text.ts';
import { bytesOf } from './page-rows.ts';
import { NAMES, rowText } from './row-text.ts';

function parse(text: string, properties: readonly string[]): ParsedPage {
  return parsePage(bytesOf(text), new RowShape(properties));
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

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
    .array(rowText, { maxLength: 3 })
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
