import { array, assert, asyncProperty, integer, record, tuple } from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sharePace } from '../../src/sync/verify/share-pace.ts';

beforeEach(() => {
  vi.useFakeTimers({ fakeNodeBuiltins: true });
});
afterEach(() => {
  vi.useRealTimers();
});

const { signal } = new AbortController();
const MINUTES_5 = 300_000;

test('a verification spends no more than its share in any five minutes of an hour, but for one request', async () => {
  const work = record({
    requests: integer({ min: 1, max: 3 }),
    takes: integer({ min: 5, max: 5_000 }),
  });
  const plans = tuple(integer({ min: 1, max: 100 }), array(work, { minLength: 5, maxLength: 20 }));
  await assert(
    asyncProperty(plans, async ([percent, steps]) => {
      const pace = sharePace(
        () => percent / 100,
        () => 6_000,
      );
      const begun = performance.now();
      const spent: { readonly at: number; readonly requests: number; readonly takes: number }[] = [];
      for (let step = 0; performance.now() - begun < 12 * MINUTES_5 && step < 500; step++) {
        const { requests, takes } = steps[step % steps.length] ?? { requests: 1, takes: 5 };
        const waiting = pace.wait(signal);
        await vi.runAllTimersAsync();
        await waiting;
        spent.push({ at: performance.now(), requests, takes });
        vi.advanceTimersByTime(takes);
        pace.spent(requests, takes);
      }
      for (const { at } of spent) {
        const window = spent.filter((each) => each.at >= at && each.at < at + MINUTES_5);
        const before = window.slice(0, -1);
        expect(before.reduce((sum, each) => sum + each.requests, 0)).toBeLessThanOrEqual(60 * percent + 1e-6);
        expect(before.reduce((sum, each) => sum + each.takes, 0)).toBeLessThanOrEqual(
          12_000 * percent + 1e-6,
        );
      }
    }),
    { numRuns: 20 },
  );
});
