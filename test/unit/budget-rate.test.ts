import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { BudgetUnderTest, pass, TURN, useFakeClock } from './budget-clock.ts';

const FIVE_MINUTES = 300_000;

useFakeClock();

test.each([1, 2, 3, 5, 10, 40])('no more than %d requests start in any five minutes', async (limit) => {
  const tested = new BudgetUnderTest({ requestsPer5Minutes: limit });
  const requests = tested.requests(limit * 3);
  await pass(12 * FIVE_MINUTES);
  expect(tested.starts).toHaveLength(limit * 3);
  expect(tested.densest()).toBeLessThanOrEqual(limit);
  await Promise.all(requests);
  tested.close();
});

test('a rest lets no more requests start afterwards than five minutes allow', async () => {
  const tested = new BudgetUnderTest({ requestsPer5Minutes: 20 });
  void tested.requests(15);
  await pass(FIVE_MINUTES);
  void tested.requests(40);
  await pass(5 * FIVE_MINUTES);
  expect(tested.starts).toHaveLength(55);
  expect(tested.densest()).toBeLessThanOrEqual(20);
  tested.close();
});

test.each([2, 10, 100])(
  'the first half of %d requests goes at once, and the others follow evenly',
  async (limit) => {
    const tested = new BudgetUnderTest({ requestsPer5Minutes: limit, concurrency: 1_000 });
    void tested.requests(limit);
    await pass(500);
    expect(tested.starts).toHaveLength(limit / 2);
    await pass(FIVE_MINUTES / 2);
    expect(tested.startedBy(FIVE_MINUTES / 2)).toBeGreaterThanOrEqual(limit / 2 + Math.floor(limit / 6));
    expect(tested.startedBy(FIVE_MINUTES / 2)).toBeLessThanOrEqual(limit / 2 + Math.ceil(limit / 4));
    tested.close();
  },
);

test('requests that come at any time are at most half of the limit at once, and all of it in five minutes', async () => {
  const limit = fc.integer({ min: 2, max: 300 });
  const waits = fc.array(fc.integer({ min: 1, max: 60_000 }), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(limit, waits, async (requestsPer5Minutes, rests) => {
      const tested = new BudgetUnderTest({ requestsPer5Minutes, concurrency: 1_000 });
      const begun = Date.now();
      const startsBy = (time: number): number =>
        Math.floor(requestsPer5Minutes / 2) + Math.ceil((requestsPer5Minutes * time) / 2 / FIVE_MINUTES) + 1;
      void tested.requests(requestsPer5Minutes);
      for (const rest of [1, ...rests]) {
        await pass(rest);
        const time = Date.now() - begun;
        if (time > FIVE_MINUTES) break;
        expect(tested.starts.length).toBeLessThanOrEqual(Math.min(requestsPer5Minutes, startsBy(time)));
      }
      expect(tested.starts.length).toBeGreaterThanOrEqual(Math.floor(requestsPer5Minutes / 2));
      tested.close();
    }),
    { numRuns: 20 },
  );
});

test('a limit of one request in five minutes still lets one go, and then the next', async () => {
  const tested = new BudgetUnderTest({ requestsPer5Minutes: 1 });
  void tested.requests(2);
  await pass(TURN);
  expect(tested.starts).toHaveLength(1);
  await pass(FIVE_MINUTES - TURN);
  expect(tested.starts).toHaveLength(1);
  await pass(1_000);
  expect(tested.starts).toHaveLength(2);
  tested.close();
});
