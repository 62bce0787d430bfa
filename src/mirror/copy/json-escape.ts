const BACKSLASH = 0x5c;
const LOWER_U = 0x75;
/** U+FFFD, the replacement character. */
export const REPLACEMENT = 0xfffd;

/**
 * The code point of a JSON string's `\uXXXX`, or of two of them that make a surrogate pair. A code point
 * above U+FFFF takes twelve characters, any other six.
 *
 * @param at where the four digits begin.
 * @returns -1 for half of a surrogate pair.
 */
export function escapedCodePoint(bytes: Uint8Array, at: number): number {
  const code = hex4(bytes, at);
  if (code < 0xd800 || code > 0xdfff) return code;
  const hasSecond = bytes[at + 4] === BACKSLASH && bytes[at + 5] === LOWER_U;
  const low = hasSecond ? hex4(bytes, at + 6) : 0;
  if (code > 0xdbff || low < 0xdc00 || low > 0xdfff) return -1;
  return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

/** Writes a code point as UTF-8. @returns where it ends. */
export function writeUtf8(out: Uint8Array, at: number, code: number): number {
  let to = at;
  if (code < 0x80) {
    out[to++] = code;
  } else if (code < 0x800) {
    out[to++] = 0xc0 | (code >> 6);
    out[to++] = 0x80 | (code & 0x3f);
  } else if (code < 0x10000) {
    out[to++] = 0xe0 | (code >> 12);
    out[to++] = 0x80 | ((code >> 6) & 0x3f);
    out[to++] = 0x80 | (code & 0x3f);
  } else {
    out[to++] = 0xf0 | (code >> 18);
    out[to++] = 0x80 | ((code >> 12) & 0x3f);
    out[to++] = 0x80 | ((code >> 6) & 0x3f);
    out[to++] = 0x80 | (code & 0x3f);
  }
  return to;
}

/** Whether one of the word's four bytes is a backslash. ("Bit Twiddling Hacks": zero byte in a word.) */
export function hasBackslash(word: number): boolean {
  const zeroed = word ^ 0x5c5c5c5c;
  return ((zeroed - 0x01010101) & ~zeroed & 0x80808080) !== 0;
}

function hex4(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let digit = at; digit < at + 4; digit++) {
    const byte = bytes[digit] as number;
    value = value * 16 + (byte <= 0x39 ? byte - 0x30 : (byte | 0x20) - 0x57);
  }
  return value;
}
