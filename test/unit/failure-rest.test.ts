import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Reaction } from '../../src/model/failure-codes.ts';
import { restAfter } from '../../src/timing/back-off.ts';

const rests = (reaction: Reaction, count: number): number[] =>
  Array.from({ length: count }, (_, at) => restAfter({ reaction }, at + 1) / 1_000);

test('the rest after passing trouble is one second at first, and doubles up to two minutes', () => {
  expect(rests('retry', 9)).toEqual([1, 2, 4, 8, 16, 32, 64, 120, 120]);
});

test('the rest after a failure that a person must mend is ten seconds at first, and doubles up to ten minutes', () => {
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
