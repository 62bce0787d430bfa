import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { meansOf, rises, slopeOf } from '../soak/slope.ts';

const MINUTE = 60_000;

test('a straight line has its own slope and no error', () => {
  fc.assert(
    fc.property(fc.integer({ min: -50, max: 50 }), fc.integer({ min: 3, max: 40 }), (rise, count) => {
      const samples = Array.from({ length: count }, (_, at) => ({ at: at * MINUTE, value: 7 + rise * at }));
      const slope = slopeOf(samples);
      expect(slope.perMinute).toBeCloseTo(rise, 6);
      expect(slope.standardError).toBeCloseTo(0, 6);
    }),
  );
});

test('values that go up and down have no reported rise, and a rise through them is reported', () => {
  const noise = [3, -2, 4, -4, 1, -3, 2, -1, 0, 4, -4, 2];
  const samples = (rise: number) =>
    noise.map((value, at) => ({ at: at * MINUTE, value: 100 + value + rise * at }));
  expect(rises(slopeOf(samples(0)), 0)).toBe(false);
  expect(rises(slopeOf(samples(3)), 0)).toBe(true);
  expect(rises(slopeOf(samples(3)), 5)).toBe(false);
});

test('the figures equal those of a regression worked out by hand', () => {
  const values = [1, 2, 2, 4];
  const slope = slopeOf(values.map((value, at) => ({ at: at * MINUTE, value })));
  expect(slope.perMinute).toBeCloseTo(0.9, 9);
  // Residuals 0.1, 0.2, -0.7, 0.4: their squares are 0.70, over two degrees of freedom and a spread of 5.
  expect(slope.standardError).toBeCloseTo(Math.sqrt(0.7 / 2 / 5), 9);
});

test('samples with equal values for a while count as one', () => {
  const samples = Array.from({ length: 60 }, (_, at) => ({ at: at * 5_000, value: at < 30 ? 10 : 20 }));
  const means = meansOf(samples, MINUTE);
  expect(means.map(({ value }) => value)).toEqual([10, 10, 15, 20, 20]);
});
