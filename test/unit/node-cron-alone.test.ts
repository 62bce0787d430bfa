import { createTask, type ScheduledTask, type TaskOptions } from 'node-cron';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const zone = process.env['TZ'];
let task: ScheduledTask | undefined;

beforeEach(() => {
  vi.useFakeTimers();
  process.env['TZ'] = 'Europe/Berlin';
});
afterEach(() => {
  void task?.destroy();
  vi.useRealTimers();
  vi.restoreAllMocks();
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
});

/** What node-cron does by itself from a moment on. */
function started(
  cron: string,
  from: string,
  run: () => unknown = () => undefined,
  options: TaskOptions = {},
) {
  vi.setSystemTime(new Date(from));
  const seen = { ticks: 0, missed: 0 };
  const count = (): unknown => {
    seen.ticks++;
    return run();
  };
  task = createTask(cron, count, { ...options, suppressMissedWarning: true });
  task.on('execution:missed', () => {
    seen.missed++;
  });
  void task.start();
  return seen;
}

// Each of these is a reason for src/sync/schedule/wall-clock.ts or for the loop in table-schedule.ts: where one
// fails, because a later node-cron can do it, that reason is gone.
describe('node-cron alone', () => {
  it('node-cron alone sleeps through the ticks of two hours when the clock is set back by two hours', async () => {
    const seen = started('*/5 * * * *', '2026-06-01T10:01:00Z');
    await vi.advanceTimersByTimeAsync(10 * MINUTE);
    expect(seen.ticks).toBe(2);
    vi.setSystemTime(new Date('2026-06-01T08:11:00Z'));
    await vi.advanceTimersByTimeAsync(110 * MINUTE);
    expect(seen).toEqual({ ticks: 2, missed: 0 });
  });

  it('node-cron alone does not notice for an hour that the clock was set forward past a tick', async () => {
    const seen = started('0 12 * * *', '2026-06-01T08:01:00Z');
    vi.setSystemTime(new Date('2026-06-01T11:00:00Z'));
    await vi.advanceTimersByTimeAsync(HOUR);
    expect(seen).toEqual({ ticks: 0, missed: 0 });
  });

  it('node-cron alone loses the day of a daily tick in the hour that summer time skips', () => {
    started('30 2 * * *', '2026-03-29T00:50:00Z');
    expect(task?.getNextRun()?.toISOString()).toBe('2026-03-30T00:30:00.000Z');
  });

  it('node-cron alone leaves out the ticks of the first of two equal hours where summer time ends', async () => {
    const seen = started('*/5 * * * *', '2026-10-24T23:57:00Z');
    await vi.advanceTimersByTimeAsync(HOUR);
    expect(seen).toEqual({ ticks: 0, missed: 0 });
  });

  it('node-cron alone does not tick in the second of two equal hours, and sets timers without end instead, in any zone', async () => {
    const seen = started('*/5 * * * *', '2026-10-25T01:04:00Z', undefined, { timezone: '+01:00' });
    const timers = vi.spyOn(globalThis, 'setTimeout');
    await vi.advanceTimersByTimeAsync(SECOND);
    expect(seen).toEqual({ ticks: 0, missed: 0 });
    expect(timers.mock.calls.length).toBeGreaterThan(500);
  });

  it('node-cron alone visits each tick that it missed after a standstill', async () => {
    const seen = started('* * * * * *', '2026-06-01T10:00:00Z');
    vi.setSystemTime(new Date('2026-06-01T10:10:00Z'));
    await vi.advanceTimersByTimeAsync(SECOND);
    expect(seen.missed).toBeGreaterThan(590);
  });

  it('node-cron alone lets a run that is requested between ticks overlap with the next tick, noOverlap or not', async () => {
    let running = 0;
    let most = 0;
    const run = async (): Promise<void> => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 10 * MINUTE));
      running--;
    };
    started('*/5 * * * *', '2026-06-01T10:01:00Z', run, { noOverlap: true });
    void task?.execute();
    await vi.advanceTimersByTimeAsync(6 * MINUTE);
    expect(most).toBe(2);
  });
});
