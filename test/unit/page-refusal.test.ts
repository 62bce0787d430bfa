import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePage, type ParsedPage } from '../../src/dataverse/page/page-parser.ts';
import { RowShape } from '../../src/dataverse/page/row-collector.ts';
import { fixtureText } from './fixture.ts';
import { mutated } from './json-text.ts';
import { InStreamError } from '../../src/dataverse/http/in-stream-error.ts';
import { bytesOf, literals } from './page-rows.ts';
import { NAMES, rowText } from './row-text.ts';

function parse(text: string, properties: readonly string[]): ParsedPage {
  return parsePage(bytesOf(text), new RowShape(properties));
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isRow(value: unknown): boolean {
  return isObject(value) && NAMES.some((name) => Object.hasOwn(value as object, name));
}

/** How many rows JSON.parse sees in a page, or what is wrong with it. One byte order mark in front is ignored (RFC 8259). */
function judged(text: string): number | 'no JSON' | 'no page' {
  try {
    const page = JSON.parse(text.replace(/^\ufeff/, '')) as { value?: unknown } | null;
    const rows = page?.value;
    const told = Object.keys(page ?? {}).some((name) => name !== 'value' && !name.includes('@'));
    return Array.isArray(rows) && rows.every(isRow) && !told ? rows.length : 'no page';
  } catch {
    return 'no JSON';
  }
}

function outcome(text: string): number | 'no JSON' | 'no page' {
  try {
    return parse(text, NAMES).rows;
  } catch (error) {
    if (error instanceof TypeError || error instanceof InStreamError) return 'no page';
    if (error instanceof SyntaxError) return judged(text) === 'no page' ? 'no page' : 'no JSON';
    throw error;
  }
}

test('a page that JSON.parse refuses is refused, and one that it accepts gives as many rows', () => {
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

test('a page with a byte order mark is read as the page without it', () => {
  const page = parse('\uFEFF {"value":[{"n":1}]}', ['n']);
  expect(literals(page)).toEqual([['1']]);
  expect(() => parse('\uFEFF\uFEFF{"value":[]}', [])).toThrow(SyntaxError);
});

test.each(['{}', '{"value":null}', '{"value":{}}', '{"error":null}'])(
  'a body without a list of rows is not a page: %s',
  (text) => {
    expect(() => parse(text, ['n'])).toThrow(TypeError);
  },
);

test.each(['[]', '"value"', '{"value":[1]}', '{"value":[null]}', '{"value":[[]]}'])(
  'a body with something other than rows is not a page: %s',
  (text) => {
    expect(() => parse(text, ['n'])).toThrow(SyntaxError);
  },
);
