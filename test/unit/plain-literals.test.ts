import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { JsonScanner } from '../../src/dataverse/page/json-scanner.ts';
import {
  endOfPlainNumber,
  endOfPlainString,
  isNull,
  NamePattern,
} from '../../src/dataverse/page/plain-literals.ts';

/** Bytes that mean something to a literal, and any others. */
const byte = fc.oneof(
  fc.constantFrom(
    ...Buffer.from('"\\ \n,}0123456789-+.eEnul:'),
    0,
    0x1f,
    0x20,
    0x21,
    0x23,
    0x7f,
    0x80,
    0xa2,
    0xdc,
  ),
  fc.integer({ min: 0, max: 255 }),
);
const bytes = fc.array(byte, { maxLength: 24 }).map((list) => Uint8Array.from(list));

function view(text: Uint8Array): DataView {
  return new DataView(text.buffer, text.byteOffset, text.length);
}

/** Where the scanner says that the value at `start` ends; 0 where it says there is none. */
function scanned(text: Uint8Array, start: number): number {
  const scanner = new JsonScanner(text, start);
  try {
    scanner.skipValue();
    return scanner.position;
  } catch {
    return 0;
  }
}

test('a plain string ends where the scanner says, unless it holds an escape or is not whole', () => {
  fc.assert(
    fc.property(bytes, fc.nat(3), (rest, offset) => {
      const text = Buffer.concat([Buffer.alloc(offset, 'x'), Buffer.from('"'), rest]);
      const end = scanned(text, offset);
      const isPlain = end !== 0 && !text.subarray(offset, end).includes('\\');
      expect(endOfPlainString(view(text), offset)).toBe(isPlain ? end : 0);
    }),
    { numRuns: 20_000 },
  );
});

test('a number that counts as plain ends where the scanner says', () => {
  fc.assert(
    fc.property(bytes, (text) => {
      const end = endOfPlainNumber(text, 0);
      if (end === 0) return;
      expect(scanned(text, 0)).toBe(end);
    }),
    { numRuns: 20_000 },
  );
});

test('every number without an exponent is plain', () => {
  const number = fc.oneof(
    fc.bigInt().map(String),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  );
  fc.assert(
    fc.property(number, fc.constantFrom(',', '}', ' ', ''), (written, after) => {
      fc.pre(!written.includes('e'));
      expect(endOfPlainNumber(Buffer.from(written + after), 0)).toBe(written.length);
    }),
  );
});

test('a null is recognized, and nothing else is taken for one', () => {
  fc.assert(
    fc.property(bytes, (text) => {
      expect(isNull(view(text), 0)).toBe(Buffer.from(text).subarray(0, 4).equals(Buffer.from('null')));
    }),
  );
  expect(isNull(view(Buffer.from('xnull')), 1)).toBe(true);
});

test('a name is found where it stands whole, and nowhere else', () => {
  const name = fc.string({ minLength: 1, maxLength: 20 }).map((text) => `${JSON.stringify(text)}:`);
  fc.assert(
    fc.property(name, name, fc.nat(5), (wanted, found, offset) => {
      const text = Buffer.from('x'.repeat(offset) + found);
      const pattern = new NamePattern(Buffer.from(wanted));
      expect(pattern.matches(view(text), offset)).toBe(text.subarray(offset).toString().startsWith(wanted));
      const own = Buffer.from('x'.repeat(offset) + wanted);
      expect(pattern.matches(view(own), offset)).toBe(true);
      expect(pattern.matches(view(own.subarray(0, -1)), offset)).toBe(false);
    }),
  );
});
