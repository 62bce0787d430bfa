import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Random } from '../../src/emulator/seeding/random.ts';
import { Places } from '../../src/timing/places.ts';
import { RunningTables } from '../../src/sync/schedule/running-tables.ts';
import type { RunResult } from '../../src/sync/run/run-outcome.ts';
import type { TableJob } from '../../src/sync/run/table-job.ts';

const TABLES = 200;
const AT_ONCE = 10;
const MINUTE = 60_000;

beforeEach(() => {
  vi.useFakeTimers({ fakeNodeBuiltins: true });
  vi.setSystemTime(new Date('2026-01-01T00:00:30Z'));
  const random = new Random(7);
  vi.spyOn(Math, 'random').mockImplementation(() => random.next());
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** What a schedule needs of a job. */
function job(name: string, run: () => Promise<RunResult>): TableJob {
  return { settings: { name }, run } as unknown as TableJob;
}

test('two hundred tables due at the same second start in turn, as many at once as there are places', async () => {
  const starts: { name: string; at: number }[] = [];
  let running = 0;
  let most = 0;
  const stop = new AbortController();
  const tables = new RunningTables(new Places(AT_ONCE));
  const ended = tables.run(stop.signal);
  for (let number = 0; number < TABLES; number++) {
    const name = `table${number}`;
    const run = async (): Promise<RunResult> => {
      starts.push({ name, at: Date.now() });
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 100));
      running--;
      return { failure: null, deferred: false } as RunResult;
    };
    tables.add(job(name, run), '* * * * *');
  }
  await vi.advanceTimersByTimeAsync(3 * MINUTE);
  stop.abort();
  await vi.advanceTimersByTimeAsync(1_000);
  await ended;

  const tick = Date.parse('2026-01-01T00:02:00Z');
  const round = starts.filter(({ at }) => at >= tick && at < tick + MINUTE);
  expect(new Set(round.map(({ name }) => name)).size).toBe(TABLES);
  expect(round).toHaveLength(TABLES);
  expect(most).toBeLessThanOrEqual(AT_ONCE);
  // Spread over a tenth of the interval rather than in the tick's own second.
  const perSecond = Array.from({ length: 7 }, (_, second) => {
    const from = tick + second * 1_000;
    return round.filter(({ at }) => at >= from && at < from + 1_000).length;
  });
  expect(Math.max(...perSecond)).toBeLessThan(TABLES / 3);
  expect(perSecond.reduce((sum, count) => sum + count)).toBe(TABLES);
});

test('a clock that is set back by two hours holds no table that waits for its place', async () => {
  const starts: number[] = [];
  const stop = new AbortController();
  const tables = new RunningTables(new Places(2));
  const ended = tables.run(stop.signal);
  for (let number = 0; number < 6; number++) {
    const run = async (): Promise<RunResult> => {
      starts.push(performance.now());
      await new Promise((resolve) => setTimeout(resolve, 5_000));
      return { failure: null, deferred: false } as RunResult;
    };
    tables.add(job(`table${number}`, run), '0 0 * * *');
  }
  await vi.advanceTimersByTimeAsync(7_000);
  expect(starts.length).toBeLessThan(6);
  vi.setSystemTime(Date.now() - 120 * MINUTE);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(starts).toHaveLength(6);
  stop.abort();
  await vi.advanceTimersByTimeAsync(1_000);
  await ended;
});
