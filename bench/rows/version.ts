/** A version to be written over: all of them have as many digits. */
export const ANY_VERSION = '1000000000';
const FIRST = 1_000_000_000;
/** More rows than any table has. */
const A_CHANGE = 10_000_000;
const ZERO = 48;

/** The version that a row has after so many changes of its table, of those that it took part in. */
export function versionOf(row: number, changes: number): number {
  return FIRST + changes * A_CHANGE + row;
}

/** The version that the environment has reached after so many changes. */
export function versionAfter(changes: number): number {
  return FIRST + (changes + 1) * A_CHANGE - 1;
}

/** Writes a version over the one that is there. */
export function writeVersion(bytes: Uint8Array, at: number, version: number): void {
  let rest = version;
  for (let place = at + ANY_VERSION.length - 1; place >= at; place--) {
    const tens = Math.floor(rest / 10);
    bytes[place] = ZERO + rest - 10 * tens;
    rest = tens;
  }
}
