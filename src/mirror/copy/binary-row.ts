import type { PageRows } from '../../model/page.ts';
import type { ColumnType } from '../../model/table.ts';
import { smallInteger, writeBigint, writeNumeric } from './binary-number.ts';
import { dayAt, readMoment, writeMoment, type Moment } from './binary-time.ts';
import { CopyWriter } from './copy-writer.ts';
import { escapedCodePoint, hasBackslash, REPLACEMENT, writeUtf8 } from './json-escape.ts';
import { valueHash } from './value-hash.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const LOWER_F = 0x66;
const LOWER_T = 0x74;
const LOWER_U = 0x75;
const OPEN_BRACE = 0x7b;
const GUID_LENGTH = 36;
const DATE_LENGTH = 10;
const INTEGER_OID = 23;

/** Smaller doubles lose digits, and PostgreSQL refuses them. */
const SMALLEST_NORMAL = 2 ** -1022;
const ZERO = /^-?0(\.0+)?$/;
const decoder = new TextDecoder('latin1');

/** Stands for a value that is not written in its plain form. PostgreSQL may still read it as text. */
const NOT_PLAIN = -1;

/** By character: the value of a hexadecimal digit, 255 for anything else. */
const HEX = Uint8Array.from({ length: 256 }, (_, byte) => {
  const digit = Number.parseInt(String.fromCharCode(byte), 16);
  return Number.isNaN(digit) ? 255 : digit;
});
/** Positions of the digits in a GUID's text. */
const GUID_DIGITS = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/** The bytes for `\b \f \n \r \t`, and for characters that only have a backslash before them. */
const ESCAPES = Uint8Array.from({ length: 128 }, (_, byte) => {
  const at = 'bfnrt"/\\'.indexOf(String.fromCharCode(byte));
  return at < 0 ? 0 : '\b\f\n\r\t"/\\'.charCodeAt(at);
});

/**
 * Writes rows as tuples of COPY's binary format. PostgreSQL reads them in two thirds of the time of text,
 * because dates, numbers and GUIDs already have its own form. (PostgreSQL manual, COPY, Binary Format; the
 * `…recv` function of each type.)
 *
 * It writes only values in the one form that the Web API gives them. Any other value goes as text, so that
 * PostgreSQL judges it.
 */
export class BinaryRowWriter extends CopyWriter {
  private readonly moment: Moment = { seconds: 0, microseconds: 0 };

  /** Writes the header or the trailer. */
  raw(data: Uint8Array): void {
    this.reserve(data.length);
    this.out.set(data, this.length);
    this.length += data.length;
  }

  /** Writes one row. @returns false, and writes nothing, where a value has no plain form. */
  row(page: PageRows, row: number, types: readonly ColumnType[]): boolean {
    const { cells } = page;
    const begin = this.length;
    this.reserve(2);
    this.outView.setInt16(begin, types.length);
    let at = begin + 2;
    let cell = 2 * row * page.width;
    for (let field = 0; field < types.length; field++, cell += 2) {
      const start = cells[cell] ?? 0;
      const end = cells[cell + 1] ?? 0;
      this.length = at;
      // Lists grow most: a digit and a comma become eight bytes. A null that was spelled out has an end only.
      this.reserve(start === 0 ? 40 : 4 * (end - start) + 40);
      const size = start === 0 ? 0 : this.value(types[field], start, end, at + 4);
      if (size === NOT_PLAIN) {
        this.length = begin;
        return false;
      }
      this.outView.setInt32(at, start === 0 ? -1 : size);
      at += 4 + size;
    }
    this.length = at;
    return true;
  }

  /** Writes a value without its length. @returns its bytes, or NOT_PLAIN. */
  private value(type: ColumnType | undefined, start: number, end: number, at: number): number {
    const isString = this.bytes[start] === QUOTE;
    const from = isString ? start + 1 : start;
    const to = isString ? end - 1 : end;
    switch (type) {
      case 'text':
        return isString ? this.string(from, to, at) : this.literal(from, to, at);
      case 'uuid':
        return isString ? this.guid(from, to, at) : NOT_PLAIN;
      case 'integer':
        return this.integer(from, to, at);
      case 'bigint':
        return writeBigint(this.bytes, from, to, this.outView, at) ? 8 : NOT_PLAIN;
      case 'numeric': {
        const ends = writeNumeric(this.bytes, from, to, this.outView, at);
        return ends < 0 ? NOT_PLAIN : ends - at;
      }
      case 'double':
        return isString ? NOT_PLAIN : this.double(from, to, at);
      case 'boolean':
        return isString ? NOT_PLAIN : this.boolean(from, at);
      case 'timestamptz':
      case 'timestamp':
        return isString ? this.timestamp(from, to, at) : NOT_PLAIN;
      case 'date':
        return isString ? this.date(from, to, at) : NOT_PLAIN;
      case 'integers':
        return isString ? this.integers(from, to, at) : NOT_PLAIN;
      case 'hash':
        return this.hash(start, end, at);
      default:
        return NOT_PLAIN;
    }
  }

  /** Writes a number or a word as it came, where text is wanted. */
  private literal(start: number, end: number, at: number): number {
    const first = this.bytes[start];
    if (first === OPEN_BRACE || first === OPEN_BRACKET) return NOT_PLAIN;
    this.out.set(this.bytes.subarray(start, end), at);
    return end - start;
  }

  /** Writes a JSON string's characters. */
  private string(start: number, end: number, begin: number): number {
    const { bytes, out, view, outView } = this;
    let to = begin;
    let at = start;
    while (at < end) {
      // Copies four bytes at a time as long as none of them begins an escape.
      for (; at + 4 <= end; at += 4, to += 4) {
        const word = view.getInt32(at, true);
        if (hasBackslash(word)) break;
        outView.setInt32(to, word, true);
      }
      if (at === end) break;
      const byte = bytes[at++] as number;
      if (byte !== BACKSLASH) {
        out[to++] = byte;
        continue;
      }
      const escape = bytes[at++] as number;
      if (escape !== LOWER_U) {
        const character = ESCAPES[escape] ?? 0;
        if (character === 0) return NOT_PLAIN;
        out[to++] = character;
        continue;
      }
      const code = escapedCodePoint(bytes, at);
      if (code < 0 || (code === 0 && this.policy.nul === 'quarantine')) return NOT_PLAIN;
      to = writeUtf8(out, to, code === 0 ? REPLACEMENT : code);
      at += code > 0xffff ? 10 : 4;
    }
    return to - begin;
  }

  private guid(start: number, end: number, at: number): number {
    const { bytes, out } = this;
    if (end - start !== GUID_LENGTH) return NOT_PLAIN;
    for (let dash = 8; dash <= 23; dash += 5) if (bytes[start + dash] !== MINUS) return NOT_PLAIN;
    let all = 0;
    for (let byte = 0; byte < 16; byte++) {
      const digits = start + (GUID_DIGITS[byte] as number);
      const high = HEX[bytes[digits] as number] as number;
      const low = HEX[bytes[digits + 1] as number] as number;
      all |= high | low;
      out[at + byte] = (high << 4) | low;
    }
    return all > 15 ? NOT_PLAIN : 16;
  }

  private integer(start: number, end: number, at: number): number {
    const value = smallInteger(this.bytes, start, end);
    if ((value | 0) !== value) return NOT_PLAIN;
    this.outView.setInt32(at, value);
    return 4;
  }

  private double(start: number, end: number, at: number): number {
    const literal = decoder.decode(this.bytes.subarray(start, end));
    const value = Number(literal);
    // Zero is exact. A number that no double can hold goes to PostgreSQL as text, which then refuses it.
    const fits = Number.isFinite(value) && Math.abs(value) >= SMALLEST_NORMAL;
    if (!fits && !ZERO.test(literal)) return NOT_PLAIN;
    this.outView.setFloat64(at, value);
    return 8;
  }

  private boolean(start: number, at: number): number {
    const first = this.bytes[start];
    if (first !== LOWER_T && first !== LOWER_F) return NOT_PLAIN;
    this.out[at] = first === LOWER_T ? 1 : 0;
    return 1;
  }

  private timestamp(start: number, end: number, at: number): number {
    if (!readMoment(this.bytes, start, end, this.moment)) return NOT_PLAIN;
    writeMoment(this.outView, at, this.moment);
    return 8;
  }

  private date(start: number, end: number, at: number): number {
    const day = end - start === DATE_LENGTH ? dayAt(this.bytes, start) : Number.NaN;
    if (Number.isNaN(day)) return NOT_PLAIN;
    this.outView.setInt32(at, day);
    return 4;
  }

  /** Writes `1,8,9` as an array of one dimension. (PostgreSQL, arrayfuncs.c: array_recv.) */
  private integers(start: number, end: number, begin: number): number {
    const { bytes, outView } = this;
    if (start === end) return NOT_PLAIN;
    let count = 0;
    let to = begin + 20;
    for (let from = start; from <= end;) {
      let comma = from;
      while (comma < end && bytes[comma] !== COMMA) comma++;
      const value = smallInteger(bytes, from, comma);
      if ((value | 0) !== value) return NOT_PLAIN;
      outView.setInt32(to, 4);
      outView.setInt32(to + 4, value);
      to += 8;
      count++;
      from = comma + 1;
    }
    outView.setInt32(begin, 1);
    outView.setInt32(begin + 4, 0);
    outView.setInt32(begin + 8, INTEGER_OID);
    outView.setInt32(begin + 12, count);
    outView.setInt32(begin + 16, 1);
    return to - begin;
  }

  private hash(start: number, end: number, at: number): number {
    const { hashKey } = this.policy;
    if (hashKey === undefined) throw new TypeError('A hashed column needs a hash key.');
    const first = this.bytes[start];
    if (first === OPEN_BRACE || first === OPEN_BRACKET) return NOT_PLAIN;
    const hash = valueHash(hashKey, this.bytes.subarray(start, end));
    if (hash === undefined) return NOT_PLAIN;
    this.length = at;
    this.reserve(hash.length + 40);
    for (let digit = 0; digit < hash.length; digit++) this.out[at + digit] = hash.charCodeAt(digit);
    return hash.length;
  }
}
