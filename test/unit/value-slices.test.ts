import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { endOfWindow, readsValues, rowsOfSlice } from '../../src/sync/verify/value-slices.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ROLLING = { every: DAY, values: 30 * DAY };
const first = { age: DAY, sinceSlice: null, pageSize: 5_000, isDivisible: true };

test('a slice of a large table is what is left, spread over the sweeps that are left', () => {
  expect(rowsOfSlice({ ...first, rows: 29_000_000 }, ROLLING)).toBe(1_000_000);
  expect(rowsOfSlice({ ...first, age: 20 * DAY, rows: 29_000_000 }, ROLLING)).toBe(2_900_000);
  expect(rowsOfSlice({ ...first, age: 29 * DAY, rows: 29_000_000 }, ROLLING)).toBe('rest');
});

test('a table of fewer pages than there are sweeps waits, and is then compared a page at a time', () => {
  const rows = 3 * 5_000;
  expect(rowsOfSlice({ ...first, age: 26 * DAY, rows }, ROLLING)).toBeNull();
  expect(rowsOfSlice({ ...first, age: 27 * DAY, rows }, ROLLING)).toBe(5_000);
  expect(rowsOfSlice({ ...first, age: 28 * DAY, rows: 1 }, ROLLING)).toBeNull();
  expect(rowsOfSlice({ ...first, age: 29 * DAY, rows: 1 }, ROLLING)).toBe('rest');
});

test('a table that cannot be divided is compared at once, by the last sweep in time', () => {
  const whole = { ...first, rows: 29_000_000, isDivisible: false };
  expect(rowsOfSlice({ ...whole, age: 28 * DAY }, ROLLING)).toBeNull();
  expect(rowsOfSlice({ ...whole, age: 29 * DAY }, ROLLING)).toBe('rest');
});

test('a round that is late is compared at once, also between two sweeps', () => {
  const late = { ...first, rows: 29_000_000, age: 30 * DAY, sinceSlice: HOUR };
  expect(rowsOfSlice({ ...late, age: 29 * DAY }, ROLLING)).toBeNull();
  expect(rowsOfSlice(late, ROLLING)).toBe('rest');
});

test('a round of slices compares all rows in time, and no slice of it is much larger than another', () => {
  const cases = fc.record({
    rows: fc.integer({ min: 0, max: 100_000_000 }),
    sweeps: fc.integer({ min: 1, max: 60 }),
    /** Part of the time between two sweeps that a sweep takes. */
    duration: fc.double({ min: 0, max: 0.2, noNaN: true }),
    pageSize: fc.integer({ min: 1, max: 5_000 }),
  });
  const holds = ({
    rows,
    sweeps,
    duration,
    pageSize,
  }: typeof cases extends fc.Arbitrary<infer T> ? T : never) => {
    const rolling = { every: DAY, values: sweeps * DAY };
    const slices: number[] = [];
    let left = rows;
    for (let age = DAY; ; age += DAY * (1 + duration)) {
      const sinceSlice = slices.length === 0 ? null : DAY * (1 + duration);
      const count = rowsOfSlice({ age, sinceSlice, rows: left, pageSize, isDivisible: true }, rolling);
      if (count === null) continue;
      slices.push(count === 'rest' ? left : count);
      left -= count === 'rest' ? left : count;
      if (count !== 'rest') continue;
      expect(age).toBeLessThanOrEqual(sweeps * DAY);
      break;
    }
    expect(left).toBe(0);
    const fair = Math.max(pageSize, rows / sweeps);
    // A sweep that takes a fifth of a day leaves a fifth fewer of them, and the rounding leaves one or two fewer.
    expect(Math.max(...slices)).toBeLessThanOrEqual(4 * fair + pageSize);
  };
  fc.assert(fc.property(cases, holds), { numRuns: 300 });
});

test('windows cover every version once, and those of the slice are read with their values', () => {
  const version = fc.bigInt({ min: 0n, max: 40n });
  const cases = fc.record({
    bounds: fc.uniqueArray(version, { maxLength: 8 }),
    slice: fc.record({ above: fc.option(version), upTo: fc.option(version) }),
  });
  fc.assert(
    fc.property(cases, ({ bounds, slice: { above: from, upTo: to } }) => {
      fc.pre(from === null || to === null || from < to);
      const slice = { above: from, upTo: to, rows: 0, requests: 0 };
      const nextBound = (above: bigint | null) =>
        bounds.filter((each) => above === null || each > above).toSorted((a, b) => (a < b ? -1 : 1))[0] ??
        null;
      const seen: boolean[][] = Array.from({ length: 42 }, () => []);
      let above: bigint | null = null;
      for (;;) {
        const upTo: bigint | null = endOfWindow(above, nextBound(above), slice);
        const window = { above, upTo };
        for (const [at, reads] of seen.entries()) {
          const isInside = (above === null || BigInt(at) > above) && (upTo === null || BigInt(at) <= upTo);
          if (isInside) reads.push(readsValues({ method: 'sweep', slice }, window));
        }
        if (upTo === null) break;
        above = upTo;
      }
      const isOfSlice = (at: number) =>
        (from === null || BigInt(at) > from) && (to === null || BigInt(at) <= to);
      expect(seen).toEqual(seen.map((_, at) => [isOfSlice(at)]));
    }),
  );
});

test('rows are read with their values by a comparison of all values, and never by a sweep without a slice', () => {
  const window = { above: null, upTo: null };
  expect(readsValues({ method: 'values', slice: null }, window)).toBe(true);
  expect(readsValues({ method: 'sweep', slice: null }, window)).toBe(false);
});
