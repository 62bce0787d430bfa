/**
 * Fast paths for the usual values of a row, eight bytes at a time. The scanner judges everything else.
 */
import { escapeLength } from './json-scanner.ts';

export const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;

/** `null` as a little-endian word. */
const NULL = 0x6c6c756e;
const TRUE = 0x65757274;
/** `alse` as a little-endian word. */
const ALSE = 0x65736c61;

/** The end of the string that begins at `start`; 0 if it is not whole, or wrong, or near the end of the text. */
export function endOfString(view: DataView, bytes: Uint8Array, start: number): number {
  let at = start + 1;
  for (const last = view.byteLength - 8; at <= last;) {
    let found = endingBytes(view.getInt32(at, true));
    if (found === 0) {
      at += 4;
      found = endingBytes(view.getInt32(at, true));
      if (found === 0) {
        at += 4;
        continue;
      }
    }
    at += firstEnding(found);
    const byte = view.getUint8(at);
    if (byte === QUOTE) return at + 1;
    if (byte !== BACKSLASH) return 0;
    const length = escapeLength(bytes, at);
    if (length < 0) return 0;
    at += length;
  }
  return 0;
}

/**
 * The top bit of each byte of a word that is a quote, a backslash or below a space; bits above the
 * lowest one may be wrong. ("Bit Twiddling Hacks": whether a word has a byte less than n, or equal to n.)
 */
export function endingBytes(word: number): number {
  // Quote and space are swapped, so that exactly quotes and control characters are below 0x21.
  const swapped = word ^ 0x02020202;
  const backslash = word ^ 0x5c5c5c5c;
  return (((swapped - 0x21212121) & ~swapped) | ((backslash - 0x01010101) & ~backslash)) & 0x80808080;
}

/** Which byte the lowest set bit of `endingBytes` belongs to. */
export function firstEnding(found: number): number {
  return (31 - Math.clz32(found & -found)) >> 3;
}

/** The end of the number that begins at `start`; 0 if it has an exponent or is not a number. */
export function endOfPlainNumber(bytes: Uint8Array, start: number): number {
  let at = bytes[start] === MINUS ? start + 1 : start;
  const first = at;
  while (isDigit(bytes[at])) at++;
  if (at === first || (at > first + 1 && bytes[first] === ZERO)) return 0;
  if (bytes[at] === POINT) {
    const fraction = ++at;
    while (isDigit(bytes[at])) at++;
    if (at === fraction) return 0;
  }
  // 'e' or 'E' begins an exponent. The caller refuses any other byte that cannot follow a number.
  return ((bytes[at] ?? 0) | 0x20) === 0x65 ? 0 : at;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}

/** Whether `null` stands at `at`. */
export function isNull(view: DataView, at: number): boolean {
  return at + 4 <= view.byteLength && view.getInt32(at, true) === NULL;
}

/** The end of the `true` or `false` that begins at `start`; 0 if there is none. */
export function endOfBoolean(view: DataView, start: number): number {
  if (start + 5 > view.byteLength) return 0;
  if (view.getInt32(start, true) === TRUE) return start + 4;
  return view.getUint8(start) === 0x66 && view.getInt32(start + 1, true) === ALSE ? start + 5 : 0;
}
