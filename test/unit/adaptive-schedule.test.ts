import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Random } from '../../src/emulator/seeding/random.ts';
import type { Reaction } from '../../src/model/failure-codes.ts';
import { Places } from '../../src/timing/places.ts';
import { RunningTables } from '../../src/sync/schedule/running-tables.ts';
import type { RunOptions, TableJob } from '../../src/sync/run/table-job.ts';
import { keepSchedule, type RunOutcome, type TableSchedule } from '../../src/sync/schedule/table-schedule.ts';
import { failureWith } from '../support/failures.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const TAKES = 10;

beforeEach(() => {
  vi.useFakeTimers({ fakeNodeBuiltins: true });
  vi.setSystemTime(new Date('2026-01-01T00:00:30Z'));
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const IDLE: RunOutcome = { failure: null, deferred: false, changed: false };
const CHANGED: RunOutcome = { ...IDLE, changed: true };
const failed = (reaction: Reaction): RunOutcome => ({
  ...IDLE,
  failure: failureWith(reaction),
});

/** Milliseconds to the tenth of a second: a timer of nothing takes one of them. */
const tenths = (milliseconds: number): number => Math.round(milliseconds / 100) * 100;

/** An adaptive schedule whose runs end so, by their number, and when they started, in ms from the first. */
function scheduled(outcome: (run: number) => RunOutcome, random = 0, life: () => number | null = () => 7) {
  vi.spyOn(Math, 'random').mockReturnValue(random);
  const starts: number[] = [];
  const dues: number[] = [];
  const controller = new AbortController();
  const schedule: TableSchedule = {
    schedule: 'adaptive',
    linkLifeDays: life,
    run: async ({ dueAt = 0 }: RunOptions) => {
      starts.push(performance.now());
      dues.push(performance.now() - dueAt);
      await new Promise((resolve) => setTimeout(resolve, TAKES));
      return outcome(starts.length - 1);
    },
  };
  const ended = keepSchedule(schedule, controller.signal);
  return {
    starts,
    dues,
    gaps: () => starts.slice(1).map((start, at) => tenths(start - (starts[at] ?? 0) - TAKES)),
    async [Symbol.asyncDispose]() {
      controller.abort();
      await vi.advanceTimersByTimeAsync(MINUTE);
      await ended;
    },
  };
}

test('a table that changes is polled every ten seconds, and a quiet table ever more rarely, up to an hour', async () => {
  await using changing = scheduled(() => CHANGED);
  await using idle = scheduled(() => IDLE);
  await vi.advanceTimersByTimeAsync(12 * HOUR);
  expect(new Set(changing.gaps())).toEqual(new Set([10 * SECOND]));
  expect(idle.gaps().slice(0, 3)).toEqual([10 * SECOND, 15 * SECOND, 22.5 * SECOND]);
  expect(idle.gaps().slice(-5)).toEqual([HOUR, HOUR, HOUR, HOUR, HOUR]);
  expect(idle.gaps()).toEqual(idle.gaps().toSorted((a, b) => a - b));
});

test('the first change after a long rest brings the shortest interval back', async () => {
  await using table = scheduled((run) => (run === 8 ? CHANGED : IDLE));
  await vi.advanceTimersByTimeAsync(HOUR);
  const gaps = table.gaps();
  expect(gaps[7]).toBeGreaterThan(2 * MINUTE);
  expect(gaps.slice(8, 11)).toEqual([10 * SECOND, 15 * SECOND, 22.5 * SECOND]);
});

test('a run that fails rests as on any schedule, and does not make the interval longer', async () => {
  await using table = scheduled((run) => (run >= 2 && run <= 5 ? failed('retry') : IDLE));
  await vi.advanceTimersByTimeAsync(5 * MINUTE);
  const [first, second, ...rests] = table.gaps().slice(0, 8);
  expect([first, second]).toEqual([10 * SECOND, 15 * SECOND]);
  expect(rests.slice(0, 4).map((rest) => Math.round(rest / SECOND))).toEqual([1, 2, 4, 8]);
  expect(rests[4]).toBe(22.5 * SECOND);
});

test('a table that a person must mend is tried again and again, from its first run on', async () => {
  await using table = scheduled(() => failed('stop-table'));
  await vi.advanceTimersByTimeAsync(HOUR);
  expect(table.starts.length).toBeGreaterThan(8);
  expect(Math.max(...table.gaps())).toBeLessThanOrEqual(11 * MINUTE);
});

test('a load that finds no place asks again until it has found one', async () => {
  await using table = scheduled((run) => ({ ...CHANGED, deferred: run < 3 }));
  await vi.advanceTimersByTimeAsync(MINUTE);
  expect(table.gaps().slice(0, 4)).toEqual([5 * SECOND, 5 * SECOND, 5 * SECOND, 10 * SECOND]);
});

test('an interval is shortened at random, by a tenth at most', async () => {
  await using table = scheduled(() => CHANGED, 0.5);
  await vi.advanceTimersByTimeAsync(MINUTE);
  expect(new Set(table.gaps())).toEqual(new Set([9.5 * SECOND]));
});

test('a poll of another process within half of the interval counts as a poll', async () => {
  await using table = scheduled(() => IDLE);
  await vi.advanceTimersByTimeAsync(MINUTE);
  expect(table.dues.slice(0, 4).map(tenths)).toEqual([0, 5 * SECOND, 7.5 * SECOND, 11.3 * SECOND]);
});

test('the life of links is read before each interval', async () => {
  let life: number | null = null;
  await using table = scheduled(
    () => IDLE,
    0,
    () => life,
  );
  await vi.advanceTimersByTimeAsync(6 * HOUR);
  expect(table.gaps().at(-1)).toBe(HOUR);
  // Shorter than any environment says, so that it shows.
  life = 1 / 48;
  await vi.advanceTimersByTimeAsync(3 * HOUR);
  expect(table.gaps().at(-1)).toBe(15 * MINUTE);
});

test('two hundred idle tables that start together are spread at the start, and more so hours later', async () => {
  const random = new Random(7);
  vi.spyOn(Math, 'random').mockImplementation(() => random.next());
  const starts: number[] = [];
  const stop = new AbortController();
  const tables = new RunningTables(new Places(10), () => 7);
  const ended = tables.run(stop.signal);
  for (let number = 0; number < 200; number++) {
    const run = async (): Promise<RunOutcome> => {
      starts.push(performance.now());
      await new Promise((resolve) => setTimeout(resolve, 50));
      return IDLE;
    };
    const job = { settings: { name: `table${number}` }, run } as unknown as TableJob;
    tables.add(job, 'adaptive');
  }
  const begun = performance.now();
  await vi.advanceTimersByTimeAsync(8 * HOUR);
  stop.abort();
  await vi.advanceTimersByTimeAsync(SECOND);
  await ended;
  const most = (from: number, to: number, width: number): number => {
    const buckets = new Map<number, number>();
    for (const at of starts.map((start) => start - begun).filter((after) => after >= from && after < to)) {
      const bucket = Math.floor(at / width);
      buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1);
    }
    return Math.max(...buckets.values());
  };
  expect(most(0, 10 * SECOND, SECOND)).toBeLessThan(40);
  expect(most(6 * HOUR, 8 * HOUR, SECOND)).toBeLessThan(10);
  // By then each costs about a request an hour.
  const lastHour = starts.filter((start) => start - begun >= 7 * HOUR).length;
  expect(lastHour).toBeGreaterThanOrEqual(180);
  expect(lastHour).toBeLessThanOrEqual(280);
});
