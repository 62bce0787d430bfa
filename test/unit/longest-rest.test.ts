import * as fc from 'fast-check';
import { createTask } from 'node-cron';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { longestRest } from '../../src/operations/check/longest-rest.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** The calendar does not repeat itself over a year that is divided by 100 and has no 29 February. */
const CENTURY = Date.UTC(2100, 0, 1);

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1), toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test.each([
  ['*/5 * * * * *', 5 * SECOND],
  ['* * * * *', MINUTE],
  ['0,50 * * * *', 50 * MINUTE],
  ['50,0 8-18 * * *', 13 * HOUR + 10 * MINUTE],
  ['30 */6 * * *', 6 * HOUR],
  ['0 22-2 * * *', 20 * HOUR],
  ['0 3 * * *', DAY],
  ['0 8-18 * * 1-5', 2 * DAY + 14 * HOUR],
  ['* * * 1-11 *', 31 * DAY + MINUTE],
  ['0 0 L * *', 31 * DAY],
  ['0 0 1 1 *', 366 * DAY],
  ['0 0 29 2 *', 1461 * DAY],
  ['0 0 29 2 1', 28 * 365.25 * DAY],
  ['0 0 31W 2 *', Number.POSITIVE_INFINITY],
])('the longest rest of %s is %d ms', (cron, rest) => {
  expect(longestRest(cron)).toBe(rest);
});

/** A list in a field of a cron expression. */
function field(min: number, max: number, most: number): fc.Arbitrary<string> {
  const values = fc.uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: most });
  return values.map((each) => each.join(','));
}

/** The ticks from now on, of those before the end of the century. */
function ticks(cron: string, count: number): number[] {
  const task = createTask(cron, () => undefined, { timezone: 'UTC' });
  const runs = task.getNextRuns(count).map((run) => run.getTime());
  void task.destroy();
  return runs.filter((run) => run < CENTURY);
}

function gaps(ordered: readonly number[]): number[] {
  return ordered.slice(1).map((at, index) => at - (ordered[index] ?? 0));
}

test('the longest rest of a schedule of few days is the longest of some thirty years', () => {
  const cron = fc
    .tuple(field(0, 23, 1), field(1, 28, 2), field(1, 12, 3))
    .map(([hour, days, months]) => `0 ${hour} ${days} ${months} *`);
  fc.assert(
    fc.property(cron, (each) => {
      expect(longestRest(each)).toBe(Math.max(...gaps(ticks(each, 180))));
    }),
    { numRuns: 20 },
  );
});

test('no two neighbouring ticks are farther apart', () => {
  const days = fc.oneof(field(1, 31, 5), fc.constantFrom('*', 'L', '15W', '1-20'));
  const weekdays = fc.oneof(field(0, 6, 3), fc.constantFrom('*', '5L', '1#2'));
  const cron = fc
    .tuple(field(0, 59, 3), field(0, 23, 3), days, fc.constantFrom('*', '1-11', '1,4,7,10'), weekdays)
    .map((fields) => fields.join(' '));
  fc.assert(
    fc.property(cron, (each) => {
      const rest = longestRest(each);
      fc.pre(Number.isFinite(rest));
      for (const gap of gaps(ticks(each, 40))) expect(gap).toBeLessThanOrEqual(rest);
    }),
    { numRuns: 20 },
  );
});
