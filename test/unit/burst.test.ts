import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createBursts, fieldsOf, QUIET } from '../../src/log/log-throttle.ts';

/** Moments, in seconds, of the occurrences that are told when one comes every so many seconds. */
function toldAt(every: number, until: number): number[] {
  let now = 0;
  const occurred = createBursts(QUIET, () => now * 1_000);
  const told: number[] = [];
  for (; now <= until; now += every) if (occurred('throttled').isTold) told.push(now);
  return told;
}

test('a trouble that goes on is told at growing distance', () => {
  expect(toldAt(1, 1_000)).toEqual([0, 60, 120, 240, 480, 960]);
});

test('it is news again after some quiet, and troubles of another kind always are', () => {
  let now = 0;
  const occurred = createBursts(QUIET, () => now);
  expect(occurred('503').isTold).toBe(true);
  expect(occurred('429').isTold).toBe(true);
  expect(occurred('503').isTold).toBe(false);
  now = QUIET + 1;
  expect(occurred('503')).toEqual({ isTold: true, untold: 1, seconds: 0 });
});

test('what is told counts what was not', () => {
  const steps = fc.array(fc.integer({ min: 0, max: 2 * QUIET }), { maxLength: 50 });
  fc.assert(
    fc.property(steps, (rests) => {
      let now = 0;
      const occurred = createBursts(QUIET, () => now);
      let untold = 0;
      for (const rest of rests) {
        now += rest;
        const occurrence = occurred('503');
        expect(occurrence.untold).toBe(untold);
        untold = occurrence.isTold ? 0 : untold + 1;
      }
    }),
  );
});

test('a line that stands for itself alone has no fields for it', () => {
  expect(fieldsOf({ isTold: true, untold: 0, seconds: 60 })).toEqual({});
  expect(fieldsOf({ isTold: true, untold: 2, seconds: 60 })).toEqual({ untold: 2, seconds: 60 });
});
