import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { bucket } from '../../src/dataverse/budget.ts';
import { BudgetUnderTest, pass, useFakeClock } from './budget-clock.ts';

const FIVE_MINUTES = 300_000;

useFakeClock();

test.each([1, 2, 3, 5, 10, 40])('never more than %d requests start in any five minutes', async (limit) => {
  const tested = new BudgetUnderTest({ requestsPer5Minutes: limit });
  const requests = tested.requests(limit * 3);
  await pass(12 * FIVE_MINUTES);
  expect(tested.starts).toHaveLength(limit * 3);
  expect(tested.densest()).toBeLessThanOrEqual(limit);
  await Promise.all(requests);
  await tested.close();
});

test('a rest lets no more start afterwards than five minutes allow', async () => {
  const tested = new BudgetUnderTest({ requestsPer5Minutes: 20 });
  void tested.requests(15);
  await pass(FIVE_MINUTES);
  void tested.requests(40);
  await pass(5 * FIVE_MINUTES);
  expect(tested.starts).toHaveLength(55);
  expect(tested.densest()).toBeLessThanOrEqual(20);
  await tested.close();
});

test.each([2, 10, 100])('at most half of %d requests go at once, the others follow evenly', async (limit) => {
  const tested = new BudgetUnderTest({ requestsPer5Minutes: limit, concurrency: 1_000 });
  void tested.requests(limit);
  await pass(500);
  expect(tested.starts).toHaveLength(limit / 2);
  await pass(FIVE_MINUTES / 2);
  expect(tested.startedBy(FIVE_MINUTES / 2)).toBeGreaterThanOrEqual(limit / 2 + Math.floor(limit / 6));
  expect(tested.startedBy(FIVE_MINUTES / 2)).toBeLessThanOrEqual(limit / 2 + Math.ceil(limit / 4));
  await tested.close();
});

test('the bucket holds at most half, and with its refill no more than the limit in five minutes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 1_000_000 }), (limit) => {
      const options = bucket(limit);
      const interval = options.reservoirIncreaseInterval ?? 0;
      const amount = options.reservoirIncreaseAmount ?? 0;
      const burst = options.reservoir ?? 0;
      const refill = Math.floor(FIVE_MINUTES / interval) * amount;
      expect(burst).toBeLessThanOrEqual(limit / 2);
      expect(options.reservoirIncreaseMaximum).toBe(burst);
      expect(burst + refill).toBeLessThanOrEqual(limit);
      expect(interval).toBeGreaterThanOrEqual(1_000);
      // A bucket that rounds down must not waste the better part of what is allowed.
      expect(burst + refill).toBeGreaterThanOrEqual(limit * 0.7);
    }),
    { numRuns: 2_000 },
  );
});

test('a bucket of one request still lets it go', () => {
  expect(bucket(1)).toMatchObject({ reservoir: 1, reservoirIncreaseAmount: 1 });
});
