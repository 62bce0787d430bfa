import type { PageRows } from '../../model/page.ts';
import type { ColumnType } from '../../model/table.ts';
import { dayAt, readMoment, type Moment } from './binary-time.ts';
import { CopyWriter } from './copy-writer.ts';
import { escapedCodePoint, hasBackslash, REPLACEMENT, writeUtf8 } from './json-escape.ts';
import { isTime, timeText, type TimeType } from './time-text.ts';
import { valueHash } from './value-hash.ts';

const TAB = 0x09;
const NEWLINE = 0x0a;
const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const LOWER_I = 0x69;
const LOWER_N = 0x6e;
const UPPER_N = 0x4e;
const UPPER_Z = 0x5a;
/** Characters of a date with its quotes. */
const QUOTED_DATE = 12;
const LOWER_U = 0x75;
const SLASH = 0x2f;

const decoder = new TextDecoder('utf-8');

/**
 * Writes rows as lines of COPY's text format, into memory that is kept from page to page.
 *
 * JSON's string escapes and COPY's are nearly the same, so a value goes from the response's bytes to COPY's
 * in one pass: it becomes no string, and no number is parsed.
 */
export class CopyLineWriter extends CopyWriter {
  private readonly moment: Moment = { seconds: 0, microseconds: 0 };

  /** Writes one row's line, or writes nothing and returns why. */
  line(
    page: PageRows,
    row: number,
    types: readonly ColumnType[],
  ): { field: number; reason: string } | undefined {
    const { bytes } = this;
    const { cells } = page;
    const begin = this.length;
    let cell = 2 * row * page.width;
    for (let field = 0; field < types.length; field++, cell += 2) {
      const start = cells[cell] ?? 0;
      const end = cells[cell + 1] ?? 0;
      // A value grows to at most twice its bytes, because each may need a backslash. A null that was spelled out has
      // an end only.
      this.reserve(start === 0 ? 8 : 2 * (end - start) + 8);
      if (field > 0) this.out[this.length++] = TAB;
      let reason: string | undefined;
      if (start === 0) {
        this.out[this.length++] = BACKSLASH;
        this.out[this.length++] = UPPER_N;
      } else if (bytes[start] === QUOTE) {
        const type = types[field];
        if (type === 'integers') reason = this.integers(start, end);
        else if (type === 'hash') reason = this.hash(start, end);
        else if (type !== 'text' && isWord(bytes, start + 1, type))
          reason = 'a word where a value was expected';
        else if (isTime(type)) reason = this.time(start, end, type);
        else reason = this.string(start + 1, end - 1);
      } else if (bytes[start] === OPEN_BRACE || bytes[start] === OPEN_BRACKET) {
        reason = 'an object or array where a single value was expected';
      } else if (types[field] === 'hash') {
        reason = this.hash(start, end);
      } else if (isTime(types[field])) {
        // PostgreSQL would read 20240101 as a day.
        reason = 'a number or truth value where a date or time was expected';
      } else {
        this.copy(start, end);
      }
      if (reason !== undefined) {
        this.length = begin;
        return { field, reason };
      }
    }
    this.out[this.length++] = NEWLINE;
    return undefined;
  }

  private copy(start: number, end: number): void {
    const { bytes, out, view, outView } = this;
    let at = start;
    let to = this.length;
    for (; at + 4 <= end; at += 4, to += 4) outView.setInt32(to, view.getInt32(at, true), true);
    while (at < end) out[to++] = bytes[at++] as number;
    this.length = to;
  }

  /** Writes `1,8,9` as `{1,8,9}`. */
  private integers(start: number, end: number): string | undefined {
    this.out[this.length++] = OPEN_BRACE;
    for (let at = start + 1; at < end - 1; at++) {
      const byte = this.bytes[at] as number;
      if (byte !== COMMA && byte !== 0x20 && byte !== 0x2d && (byte < 0x30 || byte > 0x39)) {
        return 'not a list of option values';
      }
      this.out[this.length++] = byte;
    }
    this.out[this.length++] = CLOSE_BRACE;
    return undefined;
  }

  private hash(start: number, end: number): string | undefined {
    const { hashKey } = this.policy;
    if (hashKey === undefined) throw new TypeError('A hashed column needs a hash key.');
    const hash = valueHash(hashKey, this.bytes.subarray(start, end));
    if (hash === undefined) return 'text that is no well-formed Unicode';
    this.reserve(hash.length + 8);
    for (let at = 0; at < hash.length; at++) this.out[this.length++] = hash.charCodeAt(at);
    return undefined;
  }

  /** Nearly every time has the Web API's form and needs no second look. */
  private time(start: number, end: number, type: TimeType): string | undefined {
    const { bytes, moment } = this;
    const isUsual =
      type === 'date'
        ? end - start === QUOTED_DATE && !Number.isNaN(dayAt(bytes, start + 1))
        : bytes[end - 2] === UPPER_Z && readMoment(bytes, start + 1, end - 1, moment);
    if (isUsual) {
      this.copy(start + 1, end - 1);
      return undefined;
    }
    const judged = timeText(String(JSON.parse(decoder.decode(bytes.subarray(start, end)))), type);
    if ('reason' in judged) return judged.reason;
    this.reserve(judged.text.length + 8);
    for (let at = 0; at < judged.text.length; at++) this.out[this.length++] = judged.text.charCodeAt(at);
    return undefined;
  }

  /** Writes a JSON string's characters, escaped for COPY. */
  private string(start: number, end: number): string | undefined {
    const { bytes, out, view, outView } = this;
    let to = this.length;
    let at = start;
    while (at < end) {
      // Copies four bytes at a time as long as none of them begins an escape.
      for (; at + 4 <= end; at += 4, to += 4) {
        const word = view.getInt32(at, true);
        if (hasBackslash(word)) break;
        outView.setInt32(to, word, true);
      }
      if (at === end) break;
      const byte = bytes[at] as number;
      if (byte !== BACKSLASH) {
        out[to++] = byte;
        at++;
        continue;
      }
      const escape = bytes[at + 1] as number;
      at += 2;
      if (escape === LOWER_U) {
        let code = escapedCodePoint(bytes, at);
        if (code < 0) return 'half of a surrogate pair';
        at += code > 0xffff ? 10 : 4;
        if (code === 0) {
          if (this.policy.nul === 'quarantine') return 'a NUL character, which PostgreSQL text cannot hold';
          code = REPLACEMENT;
        }
        to = writeCodePoint(out, to, code);
      } else if (escape === QUOTE || escape === SLASH) {
        out[to++] = escape;
      } else {
        // \\ \b \f \n \r \t have the same meaning in COPY.
        out[to++] = BACKSLASH;
        out[to++] = escape;
      }
    }
    this.length = to;
    return undefined;
  }
}

/**
 * Whether a string is, or begins with, a word that PostgreSQL would read as a value which the source never
 * meant: `now`, `infinity` or `J2451187` as a time, `NaN` or `Infinity` as an exact number. A double may be
 * NaN or Infinity. (PostgreSQL manual, 8.1.2 and 8.5.1.4.)
 */
function isWord(bytes: Uint8Array, start: number, type: ColumnType | undefined): boolean {
  const first = bytes[start] as number;
  if (isTime(type)) return first < 0x30 || first > 0x39;
  if (type !== 'numeric') return false;
  const letter = (first === 0x2b || first === 0x2d ? (bytes[start + 1] as number) : first) | 0x20;
  return letter === LOWER_N || letter === LOWER_I;
}

function writeCodePoint(out: Uint8Array, at: number, code: number): number {
  let to = at;
  if (code === TAB || code === NEWLINE || code === 0x0d || code === BACKSLASH) {
    out[to++] = BACKSLASH;
    out[to++] = code === TAB ? 0x74 : code === NEWLINE ? LOWER_N : code === 0x0d ? 0x72 : BACKSLASH;
    return to;
  }
  return writeUtf8(out, to, code);
}
