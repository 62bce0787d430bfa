import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { bucketOf } from '../../src/dataverse/budget/budget.ts';
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
  tested.close();
});

test('a rest lets no more start afterwards than five minutes allow', async () => {
  const tested = new BudgetUnderTest({ requestsPer5Minutes: 20 });
  void tested.requests(15);
  await pass(FIVE_MINUTES);
  void tested.requests(40);
  await pass(5 * FIVE_MINUTES);
  expect(tested.starts).toHaveLength(55);
  expect(tested.densest()).toBeLessThanOrEqual(20);
  tested.close();
});

test.each([2, 10, 100])('at most half of %d requests go at once, the others follow evenly', async (limit) => {
  const tested = new BudgetUnderTest({ requestsPer5Minutes: limit, concurrency: 1_000 });
  void tested.requests(limit);
  await pass(500);
  expect(tested.starts).toHaveLength(limit / 2);
  await pass(FIVE_MINUTES / 2);
  expect(tested.startedBy(FIVE_MINUTES / 2)).toBeGreaterThanOrEqual(limit / 2 + Math.floor(limit / 6));
  expect(tested.startedBy(FIVE_MINUTES / 2)).toBeLessThanOrEqual(limit / 2 + Math.ceil(limit / 4));
  tested.close();
});

test('the bucket holds half of what five minutes allow, and gives no more than all of it in them', () => {
  const limit = fc.integer({ min: 2, max: 10_000 });
  const waits = fc.array(fc.nat(30_000), { maxLength: 50 });
  fc.assert(
    fc.property(limit, waits, (requests, pauses) => {
      const bucket = bucketOf(requests, 0);
      let now = 0;
      let taken = 0;
      for (const pause of [0, ...pauses]) {
        now += pause;
        if (now > FIVE_MINUTES) break;
        for (; bucket.delay(now) === 0; taken++) bucket.take(now);
        expect(taken).toBeLessThanOrEqual(
          Math.floor(requests / 2) + Math.ceil((requests * now) / 2 / FIVE_MINUTES) + 1,
        );
      }
      expect(taken).toBeGreaterThanOrEqual(Math.floor(requests / 2));
      expect(taken).toBeLessThanOrEqual(requests);
    }),
    { numRuns: 300 },
  );
});

test('a bucket of one request still lets it go', () => {
  const bucket = bucketOf(1, 0);
  expect(bucket.delay(0)).toBe(0);
  bucket.take(0);
  expect(bucket.delay(0)).toBe(FIVE_MINUTES);
  expect(bucket.delay(FIVE_MINUTES)).toBe(0);
});
