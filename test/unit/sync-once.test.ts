import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { RunResult } from '../../src/sync/run/run-outcome.ts';
import { syncOnce } from '../../src/sync/sync-once.ts';
import type { TableJob } from '../../src/sync/run/table-job.ts';

const HOUR = 3_600_000;

beforeEach(() => {
  vi.useFakeTimers({ fakeNodeBuiltins: true });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Jobs of a second each, and which of them have run. */
function jobs(count: number, failing?: string) {
  const seen = { begun: [] as string[], running: 0, most: 0 };
  const list = Array.from({ length: count }, (_, number) => {
    const name = `table${number}`;
    const run = async (): Promise<RunResult> => {
      seen.begun.push(name);
      seen.most = Math.max(seen.most, ++seen.running);
      // Those that began earlier end later.
      await new Promise((resolve) => setTimeout(resolve, 1_000 - number));
      seen.running--;
      if (name === failing) throw new Error(`a defect in ${name}`);
      return { table: name } as RunResult;
    };
    return { settings: { name }, run } as unknown as TableJob;
  });
  return { seen, list };
}

const names = (results: readonly RunResult[]): string[] => results.map(({ table }) => table);

test('every table runs once, as many at once as allowed, and the results are in the order of the tables', async () => {
  const { seen, list } = jobs(20);
  const pass = syncOnce(list, 3, () => ({}), new AbortController().signal);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(names(await pass)).toEqual(list.map(({ settings }) => settings.name));
  expect(seen.most).toBe(3);
  expect(seen.begun).toHaveLength(20);
});

test('a clock that is set back by two hours in the middle of a pass holds no table', async () => {
  const { list } = jobs(20);
  let done: string[] = [];
  const pass = syncOnce(list, 3, () => ({}), new AbortController().signal);
  void pass.then((results) => (done = names(results)));
  await vi.advanceTimersByTimeAsync(1_500);
  vi.setSystemTime(Date.now() - 2 * HOUR);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(done).toHaveLength(20);
});

test('a defect in one job keeps no other from running, and comes out once all have ended', async () => {
  const { seen, list } = jobs(6, 'table0');
  const pass = syncOnce(list, 1, () => ({}), new AbortController().signal);
  const ended = pass.catch(String);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await ended).toBe('Error: a defect in table0');
  expect(seen.begun).toHaveLength(6);
});

test('an aborted pass begins no further table and waits for those at work', async () => {
  const { seen, list } = jobs(6);
  const stop = new AbortController();
  let over = false;
  const ended = syncOnce(list, 2, () => ({}), stop.signal)
    .catch(String)
    .finally(() => (over = true));
  await vi.advanceTimersByTimeAsync(500);
  stop.abort(new Error('stopping'));
  await vi.advanceTimersByTimeAsync(100);
  expect(over).toBe(false);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await ended).toBe('Error: stopping');
  expect(seen.begun).toEqual(['table0', 'table1']);
  expect(seen.running).toBe(0);
});

test('a pass over no table ends', async () => {
  expect(await syncOnce([], 8, () => ({}), new AbortController().signal)).toEqual([]);
});
