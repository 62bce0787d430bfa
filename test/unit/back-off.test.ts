import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Reaction } from '../../src/model/failure-codes.ts';
import { backOff, restAfter } from '../../src/timing/back-off.ts';

const REST = { first: 1_000, longest: 60_000 };
const rests = fc
  .record({ first: fc.integer({ min: 1, max: 60_000 }), longest: fc.integer({ min: 1, max: 3_600_000 }) })
  .filter(({ first, longest }) => first <= longest);
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('a rest doubles with each failure, up to the longest one', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 8].map((failures) => backOff(REST, failures))).toEqual([
    1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000,
  ]);
});

test('chance decides on the second half of a rest', () => {
  expect([0, 0.5].map((random) => backOff(REST, 1, random))).toEqual([500, 750]);
  fc.assert(
    fc.property(rests, fc.integer({ min: 1, max: 50 }), chance, (rest, failures, random) => {
      const exact = backOff(rest, failures);
      expect(backOff(rest, failures, random)).toBeGreaterThanOrEqual(Math.floor(exact / 2));
      expect(backOff(rest, failures, random)).toBeLessThanOrEqual(exact);
    }),
  );
});

test('a rest never shrinks and is never longer than the longest, however many failures there were', () => {
  fc.assert(
    fc.property(rests, fc.integer({ min: 1, max: 1_000_000 }), (rest, failures) => {
      const now = backOff(rest, failures);
      expect(now).toBeGreaterThanOrEqual(rest.first);
      expect(now).toBeLessThanOrEqual(rest.longest);
      expect(backOff(rest, failures + 1)).toBeGreaterThanOrEqual(now);
    }),
  );
});

const restsAfter = (reaction: Reaction, count: number): number[] =>
  Array.from({ length: count }, (_, at) => restAfter({ reaction }, at + 1) / 1_000);

test('the rest after passing trouble is one second at first, and doubles up to two minutes', () => {
  expect(restsAfter('retry', 9)).toEqual([1, 2, 4, 8, 16, 32, 64, 120, 120]);
});

test('the rest after a failure that a person must mend is ten seconds at first, and doubles up to ten minutes', () => {
  expect(restsAfter('stop-table', 8)).toEqual([10, 20, 40, 80, 160, 320, 600, 600]);
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
