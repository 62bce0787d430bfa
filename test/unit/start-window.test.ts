import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { StartWindow } from '../../src/dataverse/budget/start-window.ts';

/** When requests start that are asked for after these pauses and wait as long as they are told. */
function starts(window: StartWindow, pauses: readonly number[]): number[] {
  let now = 1_000;
  return pauses.map((pause) => {
    now += pause;
    now += window.delay(now);
    expect(window.delay(now)).toBe(0);
    window.record(now);
    return now;
  });
}

/** The most starts in any window of this length, both its ends included. */
function densest(times: readonly number[], length: number): number {
  return Math.max(...times.map((from) => times.filter((at) => at >= from && at <= from + length).length));
}

test('a window of the length never holds more starts than the limit', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 300 }),
      fc.array(fc.nat({ max: 120 }), { minLength: 1, maxLength: 60 }),
      (limit, length, pauses) => {
        const times = starts(new StartWindow(limit, length), pauses);
        expect(densest(times, length)).toBeLessThanOrEqual(limit);
      },
    ),
    { numRuns: 1_000 },
  );
});

test('a start does not wait while there is room', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.nat({ max: 50 }), { maxLength: 20 }),
      (limit, pauses) => {
        const first = pauses.slice(0, limit);
        const window = new StartWindow(limit, 1_000);
        let now = 0;
        for (const pause of first) {
          now += pause;
          expect(window.delay(now)).toBe(0);
          window.record(now);
        }
      },
    ),
  );
});

test('the wait ends just after the oldest start has left the window', () => {
  const window = new StartWindow(2, 300_000);
  window.record(0);
  window.record(1_000);
  expect(window.delay(10_000)).toBe(290_001);
  expect(window.delay(300_000)).toBe(1);
  expect(window.delay(300_001)).toBe(0);
});

test('a window whose limit changes counts the starts before the change', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 8 }),
      fc.nat({ max: 20 }),
      (limit, next, before) => {
        const window = new StartWindow(limit, 1_000);
        let now = 5_000;
        for (let count = 0; count < before; count++) {
          now += window.delay(now);
          window.record(now);
        }
        const within = window.within(now);
        window.change(next);
        expect(window.within(now)).toBe(within);
        expect(window.delay(now) === 0).toBe(within < next);
      },
    ),
  );
});
