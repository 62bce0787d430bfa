/** A whole number as people read it: `1,000,000`. */
export function readableNumber(number: number): string {
  return String(Math.round(number)).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}

/** A number of things: `1 row`, `1,200 rows`. */
export function readableCount(number: number, thing: string): string {
  return `${readableNumber(number)} ${thing}${number === 1 ? '' : 's'}`;
}

/** A moment for people and for the clipboard: `2026-11-28T14:20:07Z`. Nobody waits for the milliseconds. */
export function readableTime(moment: Date): string {
  return `${moment.toISOString().slice(0, -'.000Z'.length)}Z`;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A span of time in its one or two largest units: `12 s`, `12 min`, `3 h 5 min`, `2 d 4 h`. @param seconds not below 0. */
export function readableSpan(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < MINUTE) return `${whole} s`;
  // Rounded first: 59.6 minutes are one hour, and not 60 minutes.
  const minutes = Math.round(whole / MINUTE);
  if (minutes * MINUTE < HOUR) return `${minutes} min`;
  if (minutes * MINUTE < DAY) return inTwo(minutes, 60, 'h', 'min');
  return inTwo(Math.round(whole / HOUR), 24, 'd', 'h');
}

function inTwo(small: number, size: number, largeUnit: string, smallUnit: string): string {
  const rest = small % size;
  const large = `${Math.floor(small / size)} ${largeUnit}`;
  return rest === 0 ? large : `${large} ${rest} ${smallUnit}`;
}
