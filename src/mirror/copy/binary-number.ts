const MINUS = 0x2d;
const DOT = 0x2e;
/** Every number of so many digits is exact in JavaScript. */
const EXACT_DIGITS = 15;
const TWO_TO_32 = 4_294_967_296;
/** Longer numbers are rare, and PostgreSQL reads them as text. */
const LONGEST_NUMERIC = 120;
const NEGATIVE = 0x4000;

const LARGEST_BIGINT = 2n ** 63n - 1n;

/** Reads a whole number of at most ten digits, as an `integer` has; NaN for anything else. */
export function smallInteger(bytes: Uint8Array, start: number, end: number): number {
  const isNegative = bytes[start] === MINUS;
  const first = isNegative ? start + 1 : start;
  if (first === end || end - first > 10) return Number.NaN;
  const value = digitsAt(bytes, first, end);
  return isNegative ? -value : value;
}

/**
 * Writes a whole number as PostgreSQL's `bigint`.
 *
 * @returns false for anything else, and for a number that does not fit.
 */
export function writeBigint(
  bytes: Uint8Array,
  start: number,
  end: number,
  view: DataView,
  at: number,
): boolean {
  const isNegative = bytes[start] === MINUS;
  const first = isNegative ? start + 1 : start;
  const digits = end - first;
  if (digits < 1 || digits > 19) return false;
  if (digits <= EXACT_DIGITS) {
    const value = digitsAt(bytes, first, end);
    if (Number.isNaN(value)) return false;
    const signed = isNegative ? -value : value;
    const high = Math.floor(signed / TWO_TO_32);
    view.setInt32(at, high);
    view.setUint32(at + 4, signed - TWO_TO_32 * high);
    return true;
  }
  const upper = digitsAt(bytes, first, end - 9);
  const lower = digitsAt(bytes, end - 9, end);
  if (Number.isNaN(upper + lower)) return false;
  const value = BigInt(upper) * 1_000_000_000n + BigInt(lower);
  // There is one negative number more than there are positive ones.
  if (value > (isNegative ? LARGEST_BIGINT + 1n : LARGEST_BIGINT)) return false;
  view.setBigInt64(at, isNegative ? -value : value);
  return true;
}

/**
 * Writes a number without an exponent as PostgreSQL's `numeric`: digits of base 10,000, and the number of
 * decimals, so that `1.50` stays `1.50`. The bytes are those that PostgreSQL itself sends for the number, so that they
 * can be compared: without groups of zeros at both ends. (PostgreSQL, numeric.c: numeric_send, make_result.)
 *
 * @returns where it ends; -1 for anything else.
 */
export function writeNumeric(
  bytes: Uint8Array,
  start: number,
  end: number,
  view: DataView,
  at: number,
): number {
  const isNegative = bytes[start] === MINUS;
  const first = isNegative ? start + 1 : start;
  if (end - first > LONGEST_NUMERIC) return -1;
  let point = first;
  while (point < end && bytes[point] !== DOT) point++;
  const whole = point - first;
  const decimals = Math.max(0, end - point - 1);
  if (whole === 0 || (point < end && decimals === 0)) return -1;

  let weight = ((whole + 3) >> 2) - 1;
  const begin = at + 8;
  let to = begin;
  let group = 0;
  // The first group has the digits that are left over when the whole part is cut into fours.
  let missing = whole - 4 * weight;
  for (let from = first; from < end; from++) {
    if (from === point) continue;
    const digit = (bytes[from] as number) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    group = 10 * group + digit;
    if (--missing > 0) continue;
    if (group === 0 && to === begin) weight--;
    else {
      view.setInt16(to, group);
      to += 2;
    }
    group = 0;
    missing = 4;
  }
  if (group > 0) {
    view.setInt16(to, group * 10 ** missing);
    to += 2;
  }
  while (to > begin && view.getInt16(to - 2) === 0) to -= 2;
  const isZero = to === begin;
  view.setInt16(at, (to - begin) >> 1);
  view.setInt16(at + 2, isZero ? 0 : weight);
  view.setUint16(at + 4, isNegative && !isZero ? NEGATIVE : 0);
  view.setInt16(at + 6, decimals);
  return to;
}

/** Reads digits; NaN unless there is at least one and all are digits. */
function digitsAt(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] as number) - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = 10 * value + digit;
  }
  return value;
}
