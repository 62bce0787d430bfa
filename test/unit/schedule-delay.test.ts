import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Reaction } from '../../src/model/failure-codes.ts';
import { restAfter, startJitter } from '../../src/sync/schedule/schedule-delay.ts';

const rests = (reaction: Reaction, count: number): number[] =>
  Array.from({ length: count }, (_, at) => restAfter({ reaction }, at + 1) / 1_000);

test('passing trouble rests from one second, doubling, to two minutes', () => {
  expect(rests('retry', 9)).toEqual([1, 2, 4, 8, 16, 32, 64, 120, 120]);
});

test('what somebody must mend rests from ten seconds, doubling, to ten minutes', () => {
  expect(rests('stop-table', 8)).toEqual([10, 20, 40, 80, 160, 320, 600, 600]);
});

test('a rest is bounded and never shrinks, however many failures there were', () => {
  const reactions = fc.constantFrom<Reaction>('retry', 'rebaseline', 'stop-table', 'stop-process');
  fc.assert(
    fc.property(reactions, fc.integer({ min: 1, max: 1_000_000 }), (reaction, failures) => {
      const rest = restAfter({ reaction }, failures);
      expect(rest).toBeGreaterThanOrEqual(1_000);
      expect(rest).toBeLessThanOrEqual(600_000);
      expect(restAfter({ reaction }, failures + 1)).toBeGreaterThanOrEqual(rest);
    }),
  );
});

test('a start is put off by at most a tenth of the time to the next tick, and ten seconds', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 100_000_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (tick, random) => {
        const jitter = startJitter(tick, random);
        expect(jitter).toBeGreaterThanOrEqual(0);
        expect(jitter).toBeLessThanOrEqual(Math.min(10_000, Math.ceil(tick / 10)));
      },
    ),
  );
});

test('starts are spread over the whole of that time', () => {
  expect([0, 0.5, 0.9].map((random) => startJitter(300_000, random))).toEqual([0, 5_000, 9_000]);
  expect(startJitter(10_000, 0.5)).toBe(500);
});
