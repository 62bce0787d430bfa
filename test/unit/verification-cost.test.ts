import { expect, test } from 'vitest';
import { verificationCost } from '../../src/operations/verification-cost.ts';

const HOUR = 3_600_000;
const TABLES = [
  { sweep: 200, values: 400 },
  { sweep: 40, values: 80 },
];
const DAILY = { every: 24 * HOUR, values: 240 * HOUR, share: 0.05 };
const LIMITS = { requestsPer5Minutes: 6_000, requestsPerDay: undefined };

test('verification costs a sweep each time, which compares a slice of the values too', () => {
  const slice = (160 + 80) / 10 + 2 * 2;
  expect(verificationCost(TABLES, DAILY, LIMITS)).toMatchObject({
    requestsPerDay: 240 + slice,
    sweepsForValues: 10,
  });
  expect(verificationCost(TABLES, { ...DAILY, values: undefined }, LIMITS)).toMatchObject({
    requestsPerDay: 240,
    sweepsForValues: null,
  });
  const halved = verificationCost(TABLES, { ...DAILY, every: 12 * HOUR }, LIMITS);
  expect(halved).toMatchObject({ requestsPerDay: 2 * 240 + 24 + 2 * 4, sweepsForValues: 20 });
});

test('a table of few pages is compared in as many slices', () => {
  for (const [pages, aSweep] of [
    [1, 1],
    [5, 5 + (2 * 5) / 10],
    [500, 502],
  ] as const) {
    const cost = verificationCost([{ sweep: pages, values: pages }], DAILY, LIMITS);
    expect(cost.requestsPerDay).toBe(Math.ceil(aSweep));
  }
});

test('a comparison of values as often as a sweep leaves no sweep', () => {
  for (const hours of [24, 12]) {
    const cost = verificationCost(TABLES, { ...DAILY, values: hours * HOUR }, LIMITS);
    expect(cost.requestsPerDay).toBe(480 * (24 / hours));
  }
});

test('verification by the defaults costs what the documentation says', () => {
  const byDefault = { every: 24 * HOUR, values: 720 * HOUR, share: 0.05 };
  const cost = (pages: number, values: number) =>
    verificationCost([{ sweep: pages, values }], byDefault, { ...LIMITS, requestsPerDay: 500_000 });
  expect(cost(200, 200)).toMatchObject({ requestsPerDay: 202, sweepSeconds: 606 });
  expect(cost(200, 400)).toMatchObject({ requestsPerDay: 209 });
  expect(cost(20_000, 20_000)).toMatchObject({ requestsPerDay: 20_002, shareOfDay: 0.040_004 });
  expect(cost(20_000, 40_000)).toMatchObject({ requestsPerDay: 20_669 });
});

test('verification has a part of the requests of a day where that is limited', () => {
  expect(verificationCost(TABLES, DAILY, LIMITS).shareOfDay).toBeNull();
  expect(verificationCost(TABLES, DAILY, { ...LIMITS, requestsPerDay: 2_680 }).shareOfDay).toBe(0.1);
});

test('a sweep takes as long as its share allows', () => {
  // Each request executes for half a second, and 60 s of execution time are allowed in 300 s.
  expect(verificationCost(TABLES, DAILY, LIMITS).sweepSeconds).toBe(268 * 3);
  // 30 requests are allowed in 300 s.
  const few = { ...LIMITS, requestsPer5Minutes: 600 };
  expect(verificationCost(TABLES, DAILY, few).sweepSeconds).toBe(268 * 10.5);
});
