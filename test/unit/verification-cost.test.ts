import { expect, test } from 'vitest';
import { verificationCost } from '../../src/operations/verification-cost.ts';

const HOUR = 3_600_000;
const TABLES = [
  { sweep: 200, values: 400 },
  { sweep: 40, values: 80 },
];
const DAILY = { every: 24 * HOUR, values: 240 * HOUR, share: 0.05 };
const LIMITS = { requestsPer5Minutes: 6_000, requestsPerDay: undefined };

test('verification costs a sweep each time, and now and then a comparison of values in place of one', () => {
  expect(verificationCost(TABLES, DAILY, LIMITS).requestsPerDay).toBe(240 * 0.9 + 480 * 0.1);
  expect(verificationCost(TABLES, { ...DAILY, values: undefined }, LIMITS).requestsPerDay).toBe(240);
  expect(verificationCost(TABLES, { ...DAILY, every: 12 * HOUR }, LIMITS).requestsPerDay).toBe(504);
});

test('a comparison of values as often as a sweep leaves no sweep', () => {
  expect(verificationCost(TABLES, { ...DAILY, values: 24 * HOUR }, LIMITS).requestsPerDay).toBe(480);
});

test('verification has a part of the requests of a day where that is limited', () => {
  expect(verificationCost(TABLES, DAILY, LIMITS).shareOfDay).toBeNull();
  expect(verificationCost(TABLES, DAILY, { ...LIMITS, requestsPerDay: 2_640 }).shareOfDay).toBe(0.1);
});

test('a sweep takes as long as its share allows', () => {
  // Each request executes for half a second, and 60 s of execution time are allowed in 300 s.
  expect(verificationCost(TABLES, DAILY, LIMITS).sweepSeconds).toBe(240 * 3);
  // 30 requests are allowed in 300 s.
  const few = { ...LIMITS, requestsPer5Minutes: 600 };
  expect(verificationCost(TABLES, DAILY, few).sweepSeconds).toBe(240 * 10.5);
});
