/**
 * Fast paths for the usual members of a row, four bytes at a time: an expected name, a string without
 * escapes, a plain number. The scanner judges everything else.
 */

const QUOTE = 0x22;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;

/** `null` as a little-endian word. */
const NULL = 0x6c6c756e;

/** The text of a member's name with its colon, `"name":`. */
export class NamePattern {
  readonly length: number;
  private readonly words: Int32Array;
  /** The last four bytes, which may overlap with the last of `words`. */
  private readonly tail: number;

  /** @param text includes quotes and colon, so it has at least four bytes. */
  constructor(text: Uint8Array) {
    const view = new DataView(text.buffer, text.byteOffset, text.length);
    this.length = text.length;
    this.words = Int32Array.from({ length: text.length >> 2 }, (_, word) => view.getInt32(4 * word, true));
    this.tail = view.getInt32(text.length - 4, true);
  }

  /** Whether the name stands at `at`. */
  matches(view: DataView, at: number): boolean {
    const { words, length } = this;
    if (at + length > view.byteLength) return false;
    if (view.getInt32(at + length - 4, true) !== this.tail) return false;
    for (let word = 0, from = at; word < words.length; word++, from += 4) {
      if (view.getInt32(from, true) !== words[word]) return false;
    }
    return true;
  }
}

/** The end of the string that begins at `start`; 0 if it holds an escape or is not whole. */
export function endOfPlainString(view: DataView, start: number): number {
  let at = start + 1;
  for (const last = view.byteLength - 4; at <= last; at += 4) {
    const found = endingBytes(view.getInt32(at, true));
    if (found === 0) continue;
    // The lowest set bit belongs to the first such byte.
    at += (31 - Math.clz32(found & -found)) >> 3;
    return view.getUint8(at) === QUOTE ? at + 1 : 0;
  }
  for (; at < view.byteLength; at++) {
    const byte = view.getUint8(at);
    if (byte === QUOTE) return at + 1;
    if (endingBytes(byte | 0x20202000) !== 0) return 0;
  }
  return 0;
}

/**
 * The top bit of each byte of a word that is a quote, a backslash or below a space; bits above the
 * lowest one may be wrong. ("Bit Twiddling Hacks": whether a word has a byte less than n, or equal to n.)
 */
function endingBytes(word: number): number {
  // Quote and space are swapped, so that exactly quotes and control characters are below 0x21.
  const swapped = word ^ 0x02020202;
  const backslash = word ^ 0x5c5c5c5c;
  return (((swapped - 0x21212121) & ~swapped) | ((backslash - 0x01010101) & ~backslash)) & 0x80808080;
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
