import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextInterval } from '../../src/sync/schedule/adaptive-interval.ts';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;

/** The intervals, in seconds, after a start and so many runs that found nothing. */
function idleIntervals(runs: number, linkLifeDays: number | null = null): number[] {
  const intervals: number[] = [];
  let last: number | undefined;
  for (let run = 0; run < runs; run++) {
    last = nextInterval(last, false, linkLifeDays);
    intervals.push(last / SECOND);
  }
  return intervals;
}

test('a table that does not change is polled after 10 s, then half as long again each time', () => {
  expect(idleIntervals(5)).toEqual([10, 15, 22.5, 33.75, 50.625]);
});

test('the adaptive interval reaches one hour after three hours and fewer than twenty polls', () => {
  const intervals = idleIntervals(30);
  const atRest = intervals.indexOf(3_600);
  expect(atRest).toBeGreaterThan(0);
  expect(atRest).toBeLessThan(20);
  expect(intervals.slice(0, atRest).reduce((sum, each) => sum + each) / 3_600).toBeLessThan(3);
  expect(new Set(intervals.slice(atRest))).toEqual(new Set([3_600]));
});

test('a change brings back the shortest interval, however long the table has rested', () => {
  expect(nextInterval(HOUR, true, 7)).toBe(10 * SECOND);
  expect(nextInterval(undefined, true, null)).toBe(10 * SECOND);
});

test('a link life of zero or an unknown one changes nothing about the interval', () => {
  expect(idleIntervals(20, 0)).toEqual(idleIntervals(20));
  expect(idleIntervals(20, 7)).toEqual(idleIntervals(20));
});

const lives = fc.option(fc.double({ min: 0.001, max: 3_650, noNaN: true }), { nil: null });

test('two polls are never more than an hour apart, nor more than half of a link life, whenever that changes', () => {
  const runs = fc.array(fc.record({ changed: fc.boolean(), life: lives }), { maxLength: 60 });
  fc.assert(
    fc.property(runs, (history) => {
      let last: number | undefined;
      for (const { changed, life } of history) {
        const next = nextInterval(last, changed, life);
        expect(next).toBeGreaterThan(0);
        expect(next).toBeLessThanOrEqual(HOUR);
        expect(next).toBeLessThanOrEqual(life === null ? HOUR : (life * DAY) / 2);
        last = next;
      }
    }),
  );
});

test('no interval is shorter than the one before while nothing changes', () => {
  fc.assert(
    fc.property(lives, fc.nat({ max: 40 }), (life, runs) => {
      const intervals = idleIntervals(runs, life);
      expect(intervals).toEqual(intervals.toSorted((a, b) => a - b));
    }),
  );
});

test('a table is polled again after no more than half of the time for which it has rested, and the shortest', () => {
  const intervals = idleIntervals(40);
  let rested = 0;
  for (const interval of intervals) {
    expect(interval).toBeLessThanOrEqual(rested / 2 + 10);
    rested += interval;
  }
});
