const MINUS = 0x2d;
const COLON = 0x3a;
const DOT = 0x2e;
const UPPER_T = 0x54;
const UPPER_Z = 0x5a;
const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
/** Days from 0000-03-01 to 2000-01-01, where PostgreSQL begins to count. */
const EPOCH = 730_425;

/**
 * The day that `YYYY-MM-DD` names, as PostgreSQL counts days: 0 is 2000-01-01.
 *
 * @returns NaN unless the text has exactly this form and names a day of the calendar.
 */
export function dayAt(bytes: Uint8Array, at: number): number {
  const year = 100 * twoDigits(bytes, at) + twoDigits(bytes, at + 2);
  const month = twoDigits(bytes, at + 5);
  const day = twoDigits(bytes, at + 8);
  if (bytes[at + 4] !== MINUS || bytes[at + 7] !== MINUS) return Number.NaN;
  // A comparison with NaN is false, so a character that is no digit ends here too.
  if (!(year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= lastDay(year, month))) return Number.NaN;
  return daysSinceEpoch(year, month, day);
}

/** A moment as PostgreSQL keeps it: `1_000_000 * seconds + microseconds` since 2000-01-01. */
export interface Moment {
  seconds: number;
  /** From 0 to 999,999. */
  microseconds: number;
}

/**
 * Reads `YYYY-MM-DDTHH:MM:SS`, with up to six digits of a fraction, and `Z` or nothing. Without a zone the time is
 * UTC, as all times of the Web API are, and never a time of the session's zone. An offset is not read.
 *
 * @param into receives the moment.
 * @returns false unless the text has exactly this form and the moment exists. PostgreSQL takes 24:00 and leap
 *   seconds for the moment after; here they do not exist.
 */
export function readMoment(bytes: Uint8Array, start: number, end: number, into: Moment): boolean {
  const timeEnds = bytes[end - 1] === UPPER_Z ? end - 1 : end;
  const length = timeEnds - start;
  if (length < 19 || length > 26 || bytes[start + 10] !== UPPER_T) return false;
  if (bytes[start + 13] !== COLON || bytes[start + 16] !== COLON) return false;
  const hour = twoDigits(bytes, start + 11);
  const minute = twoDigits(bytes, start + 14);
  const second = twoDigits(bytes, start + 17);
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return false;
  const fraction = length === 19 ? 0 : microsecondsAt(bytes, start + 19, timeEnds);
  const day = dayAt(bytes, start);
  into.seconds = 86_400 * day + 3_600 * hour + 60 * minute + second;
  into.microseconds = fraction;
  return !Number.isNaN(into.seconds + fraction);
}

/** Reads `.5` as 500,000; NaN for anything but a dot and one to six digits. */
function microsecondsAt(bytes: Uint8Array, start: number, end: number): number {
  if (bytes[start] !== DOT || end - start < 2) return Number.NaN;
  let value = 0;
  let unit = 100_000;
  for (let at = start + 1; at < end; at++, unit /= 10) {
    const digit = (bytes[at] as number) - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value += digit * unit;
  }
  return value;
}

/** Writes a moment as `timestamp_send` does. (PostgreSQL, timestamp.c.) */
export function writeMoment(view: DataView, at: number, { seconds, microseconds }: Moment): void {
  // A number cannot hold all bits of the product, so it is made of two halves.
  const high = Math.floor(seconds / 65_536);
  const low = seconds - 65_536 * high;
  const highProduct = high * 1_000_000;
  const upper = Math.floor(highProduct / 65_536);
  const rest = (highProduct - 65_536 * upper) * 65_536 + low * 1_000_000 + microseconds;
  const carry = Math.floor(rest / 4_294_967_296);
  view.setInt32(at, upper + carry);
  view.setUint32(at + 4, rest - 4_294_967_296 * carry);
}

/** Reads two digits; NaN for anything else. */
function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = (bytes[at] as number) - 0x30;
  const ones = (bytes[at + 1] as number) - 0x30;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? 10 * tens + ones : Number.NaN;
}

function lastDay(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && isLeap ? 29 : (DAYS_IN_MONTH[month - 1] ?? 0);
}

/** Counts in years that begin in March, so that a leap day is the last day of its year. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const from = month > 2 ? year : year - 1;
  const since = month > 2 ? month - 3 : month + 9;
  const leapDays = Math.floor(from / 4) - Math.floor(from / 100) + Math.floor(from / 400);
  return 365 * from + leapDays + Math.floor((153 * since + 2) / 5) + day - 1 - EPOCH;
}
