import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  qualifiedName,
  quoteIdentifier,
  quoteLiteral,
  shortenIdentifier,
} from '../../src/mirror/table/identifier.ts';

const name = fc.string({
  unit: fc.oneof(
    fc.constantFrom('"', "'", '\\', ';', '.'),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
  ),
  maxLength: 12,
});

/** Reads one quoted identifier from the start of a text, as PostgreSQL's scanner does. */
function readQuoted(sql: string): { name: string; rest: string } {
  const [whole, inner] = /^"((?:[^"]|"")*)"/u.exec(sql) ?? [];
  if (whole === undefined || inner === undefined) throw new Error(`No quoted name: ${sql}`);
  return { name: inner.replaceAll('""', '"'), rest: sql.slice(whole.length) };
}

/** Reads one string literal, plain or `E''`, as PostgreSQL does with standard_conforming_strings on. */
function readLiteral(sql: string): string {
  const plain = /^'((?:[^']|'')*)'$/u.exec(sql)?.[1];
  if (plain !== undefined) return plain.replaceAll("''", "'");
  const escaped = /^E'((?:[^'\\]|''|\\\\)*)'$/u.exec(sql)?.[1];
  if (escaped === undefined) throw new Error(`No literal: ${sql}`);
  return escaped.replaceAll("''", "'").replaceAll('\\\\', '\\');
}

test('a quoted name reads back as the name and ends where it should', () => {
  fc.assert(
    fc.property(name, fc.string(), (text, after) => {
      const rest = `;${after}`;
      expect(readQuoted(quoteIdentifier(text) + rest)).toEqual({ name: text, rest });
    }),
  );
});

test('schema and name are quoted each by itself', () => {
  fc.assert(
    fc.property(name, name, (schema, table) => {
      const first = readQuoted(qualifiedName(schema, table));
      expect(first.name).toBe(schema);
      expect(readQuoted(first.rest.slice(1))).toEqual({ name: table, rest: '' });
    }),
  );
});

test('a name with NUL is refused', () => {
  expect(() => quoteIdentifier('a\0b')).toThrow(TypeError);
});

test('a literal reads back as the text', () => {
  fc.assert(
    fc.property(name, (text) => {
      expect(readLiteral(quoteLiteral(text))).toBe(text.replaceAll('\0', ''));
    }),
  );
});

test('a literal holds no NUL, which PostgreSQL text cannot hold', () => {
  expect(quoteLiteral('a\0b')).toBe("'ab'");
});

test('a name of up to 63 bytes stays as it is', () => {
  for (const text of ['account', 'a'.repeat(63), '\u00e9'.repeat(31), '\u{1F600}'.repeat(15)]) {
    expect(shortenIdentifier(text)).toBe(text);
  }
});

test('no name is longer than 63 bytes, and each stays well-formed', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 100 }), (text) => {
      const short = shortenIdentifier(text);
      expect(Buffer.byteLength(short)).toBeLessThanOrEqual(63);
      expect(Buffer.from(short).toString()).toBe(short);
    }),
  );
});

test('long names that begin alike stay different, and a name is always shortened alike', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ unit: 'grapheme', maxLength: 10 }), { minLength: 2 }),
      (endings) => {
        const names = endings.map((ending) => 'new_a_very_long_attribute_name'.repeat(3) + ending);
        expect(new Set(names.map((text) => shortenIdentifier(text))).size).toBe(names.length);
        expect(names.map((text) => shortenIdentifier(text))).toEqual(
          names.map((text) => shortenIdentifier(text)),
        );
      },
    ),
  );
});

test('a shortened name keeps its beginning and ends in a hash', () => {
  const text = `${'b'.repeat(60)}cdef`;
  expect(shortenIdentifier(text)).toMatch(/^b{54}_[0-9a-f]{8}$/);
});
