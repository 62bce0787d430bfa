import { createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { toCopyText } from '../../src/mirror/copy/copy-text.ts';
import { DEFAULT_ROW_POLICY, type RowPolicy } from '../../src/mirror/quarantine/row-policy.ts';
import { decodeCopyText } from './copy-decoder.ts';
import { numberText, stringText } from './json-text.ts';
import { pageRows } from './page-rows.ts';
import { column } from './sample-table.ts';

const POLICY: RowPolicy = { ...DEFAULT_ROW_POLICY, hashKey: 'key of the test' };
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function copied(literals: readonly (string | null)[], policy = POLICY) {
  return toCopyText(
    pageRows([literals], literals.length),
    literals.map((_, at) => column(`c${at}`, 'hash')),
    {
      policy,
    },
  );
}

const hashes = (literals: readonly (string | null)[]) => decodeCopyText(copied(literals).text)[0];
const hmac = (text: string) => createHmac('sha256', 'key of the test').update(text, 'utf8').digest('hex');

test('a string is hashed by its characters, however JSON wrote it', () => {
  const text = fc.string({ unit: 'binary' }).filter((value) => !GUID.test(value));
  const written = text.chain((value) =>
    stringText(fc.constant(value)).map((literal) => ({ value, literal })),
  );
  fc.assert(
    fc.property(written, ({ value, literal }) => {
      expect(hashes([literal])).toEqual([hmac(value)]);
    }),
    { numRuns: 1_000 },
  );
});

test('numbers and booleans are hashed as they were written, null stays null', () => {
  fc.assert(
    fc.property(numberText, (number) => {
      expect(hashes([number, null, 'true', JSON.stringify(number)])).toEqual([
        hmac(number),
        null,
        hmac('true'),
        hmac(number),
      ]);
    }),
  );
});

test('a GUID has one hash, in upper and in lower case', () => {
  fc.assert(
    fc.property(fc.uuid(), (guid) => {
      const [upper, lower] = hashes([JSON.stringify(guid.toUpperCase()), JSON.stringify(guid)]) ?? [];
      expect(upper).toBe(hmac(guid));
      expect(lower).toBe(upper);
    }),
  );
});

test('another key makes other hashes', () => {
  const other = decodeCopyText(copied(['"x"'], { ...POLICY, hashKey: 'another' }).text)[0];
  expect(other).not.toEqual(hashes(['"x"']));
});

test('a NUL in a hashed string is a character like any other', () => {
  expect(hashes([String.raw`"a\u0000b"`])).toEqual([hmac('a\0b')]);
});

test.each([String.raw`"\ud800"`, '{"a":1}', '[1]'])('a value of %s has no hash', (literal) => {
  expect(copied([literal]).unstorable).toMatchObject([{ row: 0, column: 'c0' }]);
});

test('bytes that are not UTF-8 have no hash', () => {
  const page = {
    bytes: new Uint8Array([0x20, 0x22, 0xff, 0x22]),
    width: 1,
    rows: 1,
    cells: new Int32Array([1, 4]),
  };
  const { unstorable } = toCopyText(page, [column('c', 'hash')], { policy: POLICY });
  expect(unstorable).toMatchObject([{ row: 0, column: 'c' }]);
});

test('a row policy without a hash key copies no value of a hashed column', () => {
  expect(() => copied(['"x"'], DEFAULT_ROW_POLICY)).toThrow(TypeError);
});
