import type { ColumnType } from '../../model/table.ts';

/** A number of 64 bits as two of 32. */
export interface Halves {
  high: number;
  low: number;
}

/**
 * PostgreSQL's own hash of these types is the same for some different values: it leaves out the sign of a `numeric`,
 * and folds numbers of 64 bits to 32. They are hashed as the bytes that this function gives for them.
 */
export const HASHED_AS_SENT: Readonly<Partial<Record<ColumnType, string>>> = {
  bigint: 'int8send',
  numeric: 'numeric_send',
  double: 'float8send',
  integers: 'array_send',
  timestamptz: 'timestamptz_send',
  timestamp: 'timestamp_send',
};

/** Whether PostgreSQL hashes a value of the type as one number of 32 bits. */
export function isHashedAsWord(type: ColumnType): boolean {
  return type === 'integer' || type === 'date' || type === 'boolean';
}

/**
 * Hashes a row as PostgreSQL's `hash_record_extended` does, where the types in `HASHED_AS_SENT` are hashed as bytes.
 * (PostgreSQL, rowtypes.c: hash_record_extended.)
 *
 * PostgreSQL keeps its hashes as they are, because partitions depend on them. On a server whose processor has the
 * other order of bytes, PostgreSQL's hashes are different. No row is found unchanged there, and each is compared by its
 * values.
 *
 * @param view on the row as a tuple in COPY's binary format, which is at the beginning.
 * @param words whether each column is hashed as a word.
 * @param seed not 0.
 * @param into receives the hash.
 */
export function hashTuple(
  view: DataView,
  words: readonly boolean[],
  seed: Readonly<Halves>,
  into: Halves,
): void {
  let at = 2;
  let high = 0;
  let low = 0;
  for (const isWord of words) {
    const length = view.getInt32(at);
    at += 4;
    into.high = 0;
    into.low = 0;
    if (length >= 0) {
      if (!isWord) hashValue(view, at, length, length, 0, seed, into);
      else hashValue(view, at, 0, 4, length === 1 ? view.getUint8(at) : view.getInt32(at), seed, into);
      at += length;
    }
    // Times 31, plus the value's hash.
    const sum = 31 * low + into.low;
    high = (Math.imul(31, high) + into.high + Math.floor(sum / 4_294_967_296)) >>> 0;
    low = sum >>> 0;
  }
  into.high = high;
  into.low = low;
}

const INITIAL = 0x9e3779b9 + 3_923_095;

/**
 * Hashes bytes, or one word in their place. (PostgreSQL, hashfn.c: hash_bytes_extended, hash_bytes_uint32_extended; Bob
 * Jenkins, lookup3.)
 *
 * @param left how many bytes there are; 0 for a word.
 * @param length that counts: 4 for a word.
 */
function hashValue(
  view: DataView,
  start: number,
  left: number,
  length: number,
  word: number,
  { high, low }: Readonly<Halves>,
  into: Halves,
): void {
  let c = (INITIAL + length) | 0;
  let a = (c + high) | 0;
  let b = (c + low) | 0;
  let at = start;
  for (let rest = left; ; rest -= 12, at += 12) {
    a = (a - c) ^ ((c << 4) | (c >>> 28));
    c = (c + b) | 0;
    b = (b - a) ^ ((a << 6) | (a >>> 26));
    a = (a + c) | 0;
    c = (c - b) ^ ((b << 8) | (b >>> 24));
    b = (b + a) | 0;
    a = (a - c) ^ ((c << 16) | (c >>> 16));
    c = (c + b) | 0;
    b = (b - a) ^ ((a << 19) | (a >>> 13));
    a = (a + c) | 0;
    c = (c - b) ^ ((b << 4) | (b >>> 28));
    b = (b + a) | 0;
    if (rest < 12) break;
    a = (a + view.getInt32(at, true)) | 0;
    b = (b + view.getInt32(at + 4, true)) | 0;
    c = (c + view.getInt32(at + 8, true)) | 0;
  }
  const rest = start + left - at;
  a = (a + word + (rest < 4 ? few(view, at, rest) : view.getInt32(at, true))) | 0;
  if (rest > 4) b = (b + (rest < 8 ? few(view, at + 4, rest - 4) : view.getInt32(at + 4, true))) | 0;
  // The lowest byte has the length.
  if (rest > 8) c = (c + (few(view, at + 8, rest - 8) << 8)) | 0;
  c = (c ^ b) - ((b << 14) | (b >>> 18));
  a = (a ^ c) - ((c << 11) | (c >>> 21));
  b = (b ^ a) - ((a << 25) | (a >>> 7));
  c = (c ^ b) - ((b << 16) | (b >>> 16));
  a = (a ^ c) - ((c << 4) | (c >>> 28));
  b = (b ^ a) - ((a << 14) | (a >>> 18));
  c = (c ^ b) - ((b << 24) | (b >>> 8));
  into.high = b >>> 0;
  into.low = c >>> 0;
}

/** Up to three bytes as a number; the first is the lowest. */
function few(view: DataView, at: number, count: number): number {
  let value = 0;
  for (let byte = count - 1; byte >= 0; byte--) value = (value << 8) | view.getUint8(at + byte);
  return value;
}
