import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ExecutionWindow } from '../../src/dataverse/budget/execution-window.ts';

const LENGTH = 1_000;

test('requests one after the other never take more time in a window than the limit', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ pause: fc.nat({ max: 200 }), duration: fc.integer({ min: 1, max: 100 }) }), {
        maxLength: 80,
      }),
      (requests) => {
        const limit = 400;
        const window = new ExecutionWindow(limit, LENGTH);
        const done: { at: number; duration: number }[] = [];
        let now = 0;
        for (const { pause, duration } of requests) {
          now += pause;
          for (let wait = window.delay(now); wait > 0; wait = window.delay(now)) now += wait;
          const end = window.start(now);
          now += duration;
          end(now);
          done.push({ at: now, duration });
          const spent = done
            .filter(({ at }) => at > now - LENGTH)
            .reduce((sum, one) => sum + one.duration, 0);
          // The last one's cost was not known when it started.
          expect(spent - duration).toBeLessThanOrEqual(limit);
        }
      },
    ),
  );
});

test('requests in flight count with the time they have taken', () => {
  const window = new ExecutionWindow(100, LENGTH);
  window.start(0);
  expect(window.delay(90)).toBe(0);
  expect(window.delay(101)).toBeGreaterThan(0);
});

test('requests in flight count with what recent ones took, before they have taken it', () => {
  const window = new ExecutionWindow(100, LENGTH);
  window.start(0)(30);
  window.start(30);
  expect(window.delay(30)).toBe(0);
  window.start(30);
  expect(window.delay(30)).toBeGreaterThan(0);
});

test('the wait ends when enough has left the window', () => {
  const window = new ExecutionWindow(100, LENGTH);
  window.start(0)(50);
  window.start(50)(100);
  expect(window.delay(100)).toBe(50 + LENGTH - 100);
  expect(window.delay(50 + LENGTH)).toBe(0);
});

test('a request ends once, however often its end is called', () => {
  const window = new ExecutionWindow(100, LENGTH);
  const end = window.start(0);
  end(40);
  end(1_000_000);
  expect(window.delay(40)).toBe(0);
});

test('a clock that steps back costs nothing and blocks nothing', () => {
  const window = new ExecutionWindow(100, LENGTH);
  window.start(500)(100);
  expect(window.delay(100)).toBe(0);
});

test('one request longer than the limit does not block for ever', () => {
  const window = new ExecutionWindow(100, LENGTH);
  window.start(0)(500);
  let now = 500;
  for (let wait = window.delay(now); wait > 0 && now < 100_000; wait = window.delay(now)) now += wait;
  expect(now).toBeLessThanOrEqual(500 + LENGTH);
});
