import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Reaction } from '../../src/model/failure-codes.ts';
import { Failure } from '../../src/model/failure.ts';
import type { RunResult } from '../../src/sync/run/run-outcome.ts';
import type { RunOptions } from '../../src/sync/run/table-job.ts';
import { keepSchedule, type TableSchedule } from '../../src/sync/schedule/table-schedule.ts';
import type { TableControl } from '../../src/sync/watch/control-watch.ts';
import { failureWith } from '../support/failures.ts';

const EVERY_MINUTE = '* * * * *';
const MINUTE = 60_000;

beforeEach(() => {
  vi.useFakeTimers({ fakeNodeBuiltins: true });
  vi.setSystemTime(new Date('2026-01-01T00:00:30Z'));
  vi.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function result(reaction?: Reaction): RunResult {
  return {
    table: 'account',
    phase: 'delta',
    pages: 1,
    rowsRead: 0,
    rowsWritten: 0,
    rowsDeleted: 0,
    rowsQuarantined: 0,
    requests: 1,
    milliseconds: 1,
    failure: reaction === undefined ? null : failureWith(reaction),
    deferred: false,
    changed: false,
    quarantined: 0,
  };
}

/** A schedule whose job takes so long, and what became of it. */
function scheduled(
  takes: number,
  outcome: () => RunResult,
  control?: TableControl,
  isOthersTurn: () => boolean = () => false,
) {
  const seen = { starts: [] as number[], running: 0, most: 0 };
  const controller = new AbortController();
  const schedule: TableSchedule = {
    schedule: EVERY_MINUTE,
    linkLifeDays: () => null,
    run: async () => {
      seen.starts.push(Date.now());
      seen.most = Math.max(seen.most, ++seen.running);
      await new Promise((resolve) => setTimeout(resolve, takes));
      seen.running--;
      return outcome();
    },
    isOthersTurn,
    ...(control && { control }),
  };
  const ended = keepSchedule(schedule, controller.signal);
  return { seen, stop: () => controller.abort(), ended };
}

test('a table runs at once and then at its ticks', async () => {
  const { seen, stop, ended } = scheduled(10, () => result());
  await vi.advanceTimersByTimeAsync(5 * MINUTE);
  expect(seen.starts.length).toBe(6);
  stop();
  await vi.advanceTimersByTimeAsync(1);
  await ended;
});

test('a run longer than its interval never overlaps itself, and the missed ticks make one further run', async () => {
  const { seen, stop, ended } = scheduled(2.6 * MINUTE, () => result());
  await vi.advanceTimersByTimeAsync(10 * MINUTE);
  expect(seen.most).toBe(1);
  expect(seen.starts.length).toBe(4);
  stop();
  await vi.advanceTimersByTimeAsync(3 * MINUTE);
  await ended;
});

test('a table that is another daemon’s turn is looked at later than its tick, by as much as chance delays a run', async () => {
  const { seen, stop, ended } = scheduled(
    10,
    () => result(),
    undefined,
    () => true,
  );
  await vi.advanceTimersByTimeAsync(2.5 * MINUTE);
  const [start = 0, ...ticks] = seen.starts;
  expect(ticks.map((tick) => Math.round((tick - start) / 100) / 10)).toEqual([36, 96]);
  stop();
  await vi.advanceTimersByTimeAsync(1);
  await ended;
});

test('a table that a person must mend is tried at growing distance', async () => {
  const { seen, stop, ended } = scheduled(10, () => result('stop-table'));
  await vi.advanceTimersByTimeAsync(60 * MINUTE);
  expect(seen.starts.length).toBeLessThan(14);
  const gaps = seen.starts.slice(1).map((start, at) => start - (seen.starts[at] ?? 0));
  expect(Math.max(...gaps)).toBeLessThanOrEqual(11 * MINUTE);
  stop();
  await vi.advanceTimersByTimeAsync(1);
  await ended;
});

test('a table whose database is away runs again soon, however often it has failed', async () => {
  const failure = new Failure({ code: 'database-unreachable', message: 'It is away.' });
  const { seen, stop, ended } = scheduled(10, () => ({ ...result(), failure }));
  await vi.advanceTimersByTimeAsync(60 * MINUTE);
  const gaps = seen.starts.slice(1).map((start, at) => start - (seen.starts[at] ?? 0));
  // One second, and at most ten for the spread of the tables.
  expect(Math.max(...gaps)).toBeLessThan(11_100);
  stop();
  await vi.advanceTimersByTimeAsync(1);
  await ended;
});

test('a stop waits for the run under way', async () => {
  const { seen, stop, ended } = scheduled(20_000, () => result());
  await vi.advanceTimersByTimeAsync(1_000);
  stop();
  let over = false;
  const done = ended.then(() => (over = true));
  await vi.advanceTimersByTimeAsync(5_000);
  expect(over).toBe(false);
  expect(seen.running).toBe(1);
  await vi.advanceTimersByTimeAsync(20_000);
  await done;
  expect(seen.running).toBe(0);
});

test('a load that found no place asks again long before the next tick', async () => {
  let places = 0;
  const { seen, stop, ended } = scheduled(10, () => ({ ...result(), deferred: places++ < 3 }));
  await vi.advanceTimersByTimeAsync(25_000);
  expect(seen.starts.length).toBe(4);
  stop();
  await vi.advanceTimersByTimeAsync(1);
  await ended;
});

test('ticks that come while a load waits for its place do not make it ask more and more often', async () => {
  const { seen, stop, ended } = scheduled(10, () => ({ ...result(), deferred: true }));
  const startsWithin = async (milliseconds: number): Promise<number> => {
    const before = seen.starts.length;
    await vi.advanceTimersByTimeAsync(milliseconds);
    return seen.starts.length - before;
  };
  const first = await startsWithin(5 * MINUTE);
  await startsWithin(50 * MINUTE);
  expect(await startsWithin(5 * MINUTE)).toBeLessThanOrEqual(first);
  stop();
  await vi.advanceTimersByTimeAsync(1);
  await ended;
});

test('a run that chance delays is due since its tick', async () => {
  const delays: number[] = [];
  const stop = new AbortController();
  const run = async ({ dueAt = 0 }: RunOptions): Promise<RunResult> => {
    delays.push(Math.round((performance.now() - dueAt) / 100) * 100);
    return result();
  };
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
  const ended = keepSchedule({ schedule: EVERY_MINUTE, linkLifeDays: () => null, run }, stop.signal);
  await vi.advanceTimersByTimeAsync(3 * MINUTE);
  stop.abort();
  await ended;
  expect(delays).toEqual([3_000, 3_000, 3_000, 3_000]);
});

test('a paused table lets its ticks pass, and runs at once when it is called', async () => {
  let paused = true;
  const calls = new Set<() => void>();
  const listen = (call: () => void): (() => void) => {
    calls.add(call);
    return () => void calls.delete(call);
  };
  const call = (): void => {
    for (const each of calls) each();
  };
  const control = { isPaused: () => paused, paused: call, listen };
  const { seen, stop, ended } = scheduled(10, () => result(), control);
  await vi.advanceTimersByTimeAsync(10 * MINUTE);
  expect(seen.starts).toEqual([]);
  paused = false;
  const resumed = Date.now();
  call();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(seen.starts).toEqual([resumed]);
  // A call ends the wait for a tick, and a call during a run is one further run.
  call();
  await vi.advanceTimersByTimeAsync(1);
  call();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(seen.starts).toEqual([resumed, resumed + 1_000, resumed + 1_010]);
  expect(seen.most).toBe(1);
  stop();
  await ended;
  expect(calls.size).toBe(0);
});
