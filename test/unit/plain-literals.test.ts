import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { JsonScanner } from '../../src/dataverse/page/json-scanner.ts';
import {
  endOfBoolean,
  endOfPlainNumber,
  endOfString,
  isNull,
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

test('a string ends where the scanner says, with escapes too', () => {
  const escape = fc.constantFrom('\\n', '\\"', '\\\\', '\\u00eF', '\\ud83d', '\\u12g4', '\\x', '\\', '"');
  const piece = fc.oneof(
    bytes,
    escape.map((text) => Buffer.from(text)),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), fc.nat(3), (pieces, offset) => {
      // The last eight bytes of a text are left to the scanner.
      const filler = Buffer.alloc(8, 'x');
      const text = Buffer.concat([Buffer.alloc(offset, 'x'), Buffer.from('"'), ...pieces, filler]);
      expect(endOfString(view(text), text, offset)).toBe(scanned(text, offset));
    }),
    { numRuns: 20_000 },
  );
});

test('a string at the end of the text ends where the scanner says, or is left to the scanner', () => {
  fc.assert(
    fc.property(bytes, (rest) => {
      const text = Buffer.concat([Buffer.from('"'), rest]);
      expect([0, scanned(text, 0)]).toContain(endOfString(view(text), text, 0));
    }),
    { numRuns: 5_000 },
  );
});

test('a boolean ends where the scanner says, and nothing else is taken for one', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        bytes,
        fc.constantFrom('true,', 'false', 'truf,', 'falsd', 'xalse').map((text) => Buffer.from(text)),
      ),
      (text) => {
        const isBoolean = /^(?:true|false)/.test(Buffer.from(text).toString('latin1')) && text.length > 4;
        expect(endOfBoolean(view(text), 0)).toBe(isBoolean ? scanned(text, 0) : 0);
      },
    ),
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
