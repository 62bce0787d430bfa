import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { JsonScanner } from '../../src/dataverse/page/json-scanner.ts';
import { jsonText, mutated } from './json-text.ts';

function scans(text: string): boolean {
  const scanner = new JsonScanner(new TextEncoder().encode(text));
  try {
    scanner.skipValue();
    scanner.expectEnd();
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test('every JSON text is accepted', () => {
  fc.assert(
    fc.property(jsonText, (text) => {
      expect(parses(text)).toBe(true);
      expect(scans(text)).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});

test('a changed or cut JSON text is refused exactly where JSON.parse refuses it', () => {
  let refused = 0;
  fc.assert(
    fc.property(mutated(jsonText), (text) => {
      const valid = parses(text);
      if (!valid) refused++;
      expect(scans(text)).toBe(valid);
    }),
    { numRuns: 3_000 },
  );
  expect(refused).toBeGreaterThan(300);
});

test('any sequence of JSON characters is refused exactly where JSON.parse refuses it', () => {
  const soup = fc.string({
    unit: fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      ',',
      ':',
      '\\',
      '0',
      '1',
      '-',
      '.',
      'e',
      'null',
      'true',
      ' ',
    ),
    maxLength: 8,
  });
  fc.assert(
    fc.property(soup, (text) => {
      expect(scans(text)).toBe(parses(text));
    }),
    { numRuns: 10_000 },
  );
});

test.each([
  ['', false],
  ['01', false],
  ['-', false],
  ['-01', false],
  ['1.', false],
  ['.5', false],
  ['1e', false],
  ['1e+', false],
  ['+1', false],
  ['0e0', true],
  ['-0.0E-7', true],
  ['[1,]', false],
  ['{"a":1,}', false],
  ['{a:1}', false],
  ["'a'", false],
  ['"\\u12g4"', false],
  ['"\\x"', false],
  ['"tab\there"', false],
  ['"\u007f\u2028"', true],
  ['nul', false],
  ['nulll', false],
  ['NaN', false],
  ['1 2', false],
  ['[]]', false],
  ['\u00a01', false],
  ['/**/1', false],
])('the text %j is judged as JSON.parse judges it', (text, valid) => {
  expect(parses(text)).toBe(valid);
  expect(scans(text)).toBe(valid);
});

test('a byte order mark is refused, as RFC 8259 allows and JSON.parse does', () => {
  expect(scans('\uFEFF{}')).toBe(false);
});

test('nesting as deep as the limit is accepted and any deeper refused without a stack overflow', () => {
  expect(scans('['.repeat(200) + ']'.repeat(200))).toBe(true);
  expect(scans('['.repeat(201) + ']'.repeat(201))).toBe(false);
  expect(scans('{"a":'.repeat(1_000_000))).toBe(false);
});

test('an error names the byte where the text goes wrong', () => {
  const scanner = new JsonScanner(new TextEncoder().encode('{"é":x}'));
  expect(() => scanner.skipValue()).toThrow(new SyntaxError('Unexpected byte of JSON text at offset 6.'));
});
