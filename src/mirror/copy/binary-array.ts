const HEADER = 20;

/**
 * A `uuid[]` as a parameter in binary: PostgreSQL reads it in half the time of text.
 *
 * @param keys GUIDs with dashes.
 */
export function uuidArray(keys: readonly string[]): Buffer {
  const array = arrayOf(2950, keys.length, 16);
  for (const [at, key] of keys.entries()) array.write(key.replaceAll('-', ''), placeOf(at, 16), 16, 'hex');
  return array;
}

/** A `bigint[]` as a parameter in binary. */
export function bigintArray(values: BigInt64Array): Buffer {
  const array = arrayOf(20, values.length, 8);
  for (const [at, value] of values.entries()) array.writeBigInt64BE(value, placeOf(at, 8));
  return array;
}

function placeOf(at: number, size: number): number {
  return HEADER + at * (4 + size) + 4;
}

/** One dimension, no nulls, elements of one size, places from 1. (PostgreSQL, arrayfuncs.c: array_recv.) */
function arrayOf(oid: number, count: number, size: number): Buffer {
  const array = Buffer.alloc(HEADER + count * (4 + size));
  array.writeInt32BE(count === 0 ? 0 : 1, 0);
  array.writeInt32BE(oid, 8);
  if (count === 0) return array.subarray(0, 12);
  array.writeInt32BE(count, 12);
  array.writeInt32BE(1, 16);
  for (let at = 0; at < count; at++) array.writeInt32BE(size, placeOf(at, size) - 4);
  return array;
}
