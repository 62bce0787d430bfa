const QUOTE = 0x22;
export const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const LOWER_E = 0x65;
const UPPER_E = 0x45;
const LOWER_U = 0x75;
const SPACE = 0x20;

const TRUE = [0x74, 0x72, 0x75, 0x65];
const FALSE = [0x66, 0x61, 0x6c, 0x73, 0x65];
const NULL = [0x6e, 0x75, 0x6c, 0x6c];

/** Levels of nesting. No Dataverse response is nested deeper, and much deeper text would overflow the stack. */
const MAX_DEPTH = 200;

/**
 * Walks JSON text byte by byte and finds where values begin and end, without creating them.
 *
 * It accepts exactly what RFC 8259 allows, so that a cut or garbled response is never taken for a page. A
 * property test compares it with `JSON.parse`. Positions are byte offsets. Every method throws SyntaxError
 * with the offset of the first wrong byte.
 */
export class JsonScanner {
  readonly bytes: Uint8Array;
  position: number;
  private depth = 0;

  constructor(bytes: Uint8Array, position = 0) {
    this.bytes = bytes;
    this.position = position;
  }

  skipBlanks(): void {
    this.position = afterBlanks(this.bytes, this.position);
  }

  /** The next byte after blanks; undefined at the end of the text. */
  peek(): number | undefined {
    this.skipBlanks();
    return this.bytes[this.position];
  }

  expect(byte: number): void {
    if (this.peek() !== byte) throw this.unexpected();
    this.position++;
  }

  expectEnd(): void {
    if (this.peek() !== undefined) throw this.unexpected();
  }

  /**
   * Iterates over the object before which the scanner stands, and yields the range of each member's name
   * without its quotes. The scanner then stands before the value; the caller must move it past the value.
   */
  *memberNames(): Generator<readonly [start: number, end: number], void> {
    this.enter();
    this.expect(OPEN_BRACE);
    if (this.peek() === CLOSE_BRACE) this.position++;
    else {
      for (;;) {
        this.skipBlanks();
        const start = this.position + 1;
        this.skipString();
        const end = this.position - 1;
        this.expect(COLON);
        this.skipBlanks();
        yield [start, end];
        if (this.peek() !== COMMA) break;
        this.position++;
      }
      this.expect(CLOSE_BRACE);
    }
    this.depth--;
  }

  skipValue(): void {
    const byte = this.peek();
    if (byte === QUOTE) this.skipString();
    else if (byte === MINUS || (byte !== undefined && byte >= ZERO && byte <= NINE)) this.skipNumber();
    else if (byte === OPEN_BRACE) this.skipObject();
    else if (byte === OPEN_BRACKET) this.skipArray();
    else if (byte === TRUE[0]) this.skipWord(TRUE);
    else if (byte === FALSE[0]) this.skipWord(FALSE);
    else if (byte === NULL[0]) this.skipWord(NULL);
    else throw this.unexpected();
  }

  skipString(): void {
    const { bytes } = this;
    let at = this.position;
    if (bytes[at] !== QUOTE) throw this.unexpected();
    at++;
    for (;;) {
      const byte = bytes[at];
      if (byte === QUOTE) break;
      if (byte === undefined || byte < SPACE) {
        this.position = at;
        throw this.unexpected();
      }
      at += byte === BACKSLASH ? this.escapeLength(at) : 1;
    }
    this.position = at + 1;
  }

  private escapeLength(at: number): number {
    const length = escapeLength(this.bytes, at);
    if (length > 0) return length;
    this.position = at - length;
    throw this.unexpected();
  }

  private skipNumber(): void {
    const { bytes } = this;
    if (bytes[this.position] === MINUS) this.position++;
    if (bytes[this.position] === ZERO) this.position++;
    else this.skipDigits();
    if (bytes[this.position] === POINT) {
      this.position++;
      this.skipDigits();
    }
    const exponent = bytes[this.position];
    if (exponent === LOWER_E || exponent === UPPER_E) {
      this.position++;
      const sign = bytes[this.position];
      if (sign === PLUS || sign === MINUS) this.position++;
      this.skipDigits();
    }
  }

  private skipDigits(): void {
    const { bytes } = this;
    const start = this.position;
    let at = start;
    for (;;) {
      const byte = bytes[at];
      if (byte === undefined || byte < ZERO || byte > NINE) break;
      at++;
    }
    this.position = at;
    if (at === start) throw this.unexpected();
  }

  private skipWord(word: readonly number[]): void {
    for (const byte of word) {
      if (this.bytes[this.position] !== byte) throw this.unexpected();
      this.position++;
    }
  }

  private skipObject(): void {
    for (const _ of this.memberNames()) this.skipValue();
  }

  private skipArray(): void {
    this.enter();
    this.expect(OPEN_BRACKET);
    if (this.peek() === CLOSE_BRACKET) this.position++;
    else {
      for (;;) {
        this.skipValue();
        if (this.peek() !== COMMA) break;
        this.position++;
      }
      this.expect(CLOSE_BRACKET);
    }
    this.depth--;
  }

  private enter(): void {
    if (++this.depth > MAX_DEPTH) throw this.unexpected();
  }

  private unexpected(): SyntaxError {
    const what = this.position >= this.bytes.length ? 'end' : 'byte';
    return new SyntaxError(`Unexpected ${what} of JSON text at offset ${this.position}.`);
  }
}

/** The position of the first byte from `start` on that is no blank. */
export function afterBlanks(bytes: Uint8Array, start: number): number {
  let at = start;
  for (;;) {
    const byte = bytes[at];
    if (byte !== SPACE && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at;
    at++;
  }
}

/**
 * The length of the escape that begins with a backslash at `at`.
 *
 * @returns bytes; a number below 0 if JSON has no such escape: minus the distance of the first wrong byte.
 */
export function escapeLength(bytes: Uint8Array, at: number): number {
  const byte = bytes[at + 1];
  if (byte === LOWER_U) {
    for (let digit = 2; digit < 6; digit++) if (!isHexDigit(bytes[at + digit])) return -digit;
    return 6;
  }
  // " \ / b f n r t
  const isEscape =
    byte === QUOTE ||
    byte === BACKSLASH ||
    byte === 0x2f ||
    byte === 0x62 ||
    byte === 0x66 ||
    byte === 0x6e ||
    byte === 0x72 ||
    byte === 0x74;
  return isEscape ? 2 : -1;
}

function isHexDigit(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);
}
