import { getTasks } from 'node-cron';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startCronTicks, type CronTicks } from '../../src/sync/schedule/cron-ticks.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const zone = process.env['TZ'];

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(0);
  process.env['TZ'] = 'Europe/Berlin';
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
});

/** Ticks that call back, and ask for runs that take no time. */
function startTicks(cron: string, onTick: () => void): CronTicks {
  return startCronTicks(cron, async () => onTick());
}

/** Times between ticks, in minutes, while so much time passes. */
async function gaps(cron: string, from: string, milliseconds: number): Promise<number[]> {
  vi.setSystemTime(new Date(from));
  const at: number[] = [];
  const ticks = startTicks(cron, () => at.push(performance.now()));
  await vi.advanceTimersByTimeAsync(milliseconds);
  ticks.stop();
  return at.slice(1).map((moment, index) => Math.round((moment - (at[index] ?? 0)) / MINUTE));
}

test('ticks come at their times, in order', async () => {
  expect(await gaps('*/5 * * * *', '2026-06-01T10:01:00Z', HOUR)).toEqual(Array<number>(11).fill(5));
});

test.each([
  ['begins', 'Europe/Berlin', '2026-03-28T23:58:00Z'],
  ['ends', 'Europe/Berlin', '2026-10-24T22:58:00Z'],
  ['begins', 'America/New_York', '2026-03-08T05:58:00Z'],
  ['ends', 'America/New_York', '2026-11-01T04:58:00Z'],
  ['begins', 'Australia/Lord_Howe', '2026-10-03T14:58:00Z'],
  ['ends', 'Australia/Lord_Howe', '2026-04-04T13:58:00Z'],
])('no tick is left out and none comes twice where summer time %s in %s', async (_, place, from) => {
  process.env['TZ'] = place;
  expect(await gaps('*/5 * * * *', from, 3 * HOUR)).toEqual(Array<number>(35).fill(5));
});

/** When ticks came while so many hours passed, by UTC. */
async function moments(cron: string, from: string, hours: number): Promise<string[]> {
  vi.setSystemTime(new Date(from));
  const at: string[] = [];
  const ticks = startTicks(cron, () => at.push(new Date().toISOString().slice(5, 16)));
  await vi.advanceTimersByTimeAsync(hours * HOUR);
  ticks.stop();
  return at;
}

test.each(['30 2 * * *', '*/20 2 * * 0'])(
  'a tick in the hour that the clock skips comes once, at its end: %s',
  async (cron) => {
    expect(await moments(cron, '2026-03-29T00:50:00Z', 2)).toEqual(['03-29T01:00']);
  },
);

test('a process that stood still while the clock skipped the hour of its tick makes up for it', async () => {
  vi.setSystemTime(new Date('2026-03-28T23:00:00Z'));
  let count = 0;
  const ticks = startTicks('30 2 * * *', () => count++);
  vi.setSystemTime(new Date('2026-03-29T06:00:00Z'));
  await vi.advanceTimersByTimeAsync(MINUTE);
  expect(count).toBe(1);
  ticks.stop();
});

test('a daily tick in the hour that a clock shows twice comes in both hours', async () => {
  expect(await moments('30 2 * * *', '2026-10-25T00:20:00Z', 2)).toEqual(['10-25T00:30', '10-25T01:30']);
});

test('a daily tick right after the hour that a clock shows twice comes once', async () => {
  expect(await moments('0 3 * * *', '2026-10-25T00:20:00Z', 3)).toEqual(['10-25T02:00']);
});

test('a tick whose run is delayed at random is not lost when the clock is set meanwhile', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.99);
  vi.setSystemTime(new Date('2026-06-01T09:59:55Z'));
  let count = 0;
  const ticks = startTicks('0 12 * * *', () => count++);
  await vi.advanceTimersByTimeAsync(6_000);
  expect(count).toBe(0);
  vi.setSystemTime(new Date('2026-06-01T10:30:00Z'));
  await vi.advanceTimersByTimeAsync(MINUTE);
  expect(count).toBe(1);
  ticks.stop();
});

test('a process that stood still makes up for all its ticks with one run', async () => {
  vi.setSystemTime(new Date('2026-06-01T10:01:00Z'));
  let count = 0;
  const ticks = startTicks('* * * * * *', () => count++);
  await vi.advanceTimersByTimeAsync(2_500);
  expect(count).toBe(2);
  vi.setSystemTime(new Date('2026-06-01T10:31:00.500Z'));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(count).toBeLessThanOrEqual(4);
  ticks.stop();
});

test('a clock that is set back two hours does not stop the ticks for two hours', async () => {
  vi.setSystemTime(new Date('2026-06-01T10:01:00Z'));
  let count = 0;
  const ticks = startTicks('*/5 * * * *', () => count++);
  await vi.advanceTimersByTimeAsync(10 * MINUTE);
  expect(count).toBe(2);
  vi.setSystemTime(new Date('2026-06-01T08:11:00Z'));
  await vi.advanceTimersByTimeAsync(10 * MINUTE);
  expect(count).toBe(4);
  ticks.stop();
});

test('a clock that is set forward over many ticks makes one run, within ten seconds', async () => {
  vi.setSystemTime(new Date('2026-06-01T10:01:00Z'));
  let count = 0;
  const ticks = startTicks('0 12 * * *', () => count++);
  await vi.advanceTimersByTimeAsync(MINUTE);
  vi.setSystemTime(new Date('2026-06-04T13:00:00Z'));
  await vi.advanceTimersByTimeAsync(MINUTE / 6 + 1);
  expect(count).toBe(1);
  ticks.stop();
});

test('a clock that is set forward over thousands of ticks does not make node-cron visit each of them', async () => {
  vi.setSystemTime(new Date('2026-06-01T10:01:00.300Z'));
  const ticks = startTicks('* * * * * *', () => undefined);
  let visited = 0;
  for (const task of getTasks().values()) task.on('execution:missed', () => void visited++);
  await vi.advanceTimersByTimeAsync(2_500);
  vi.setSystemTime(new Date('2026-06-01T12:01:00.300Z'));
  await vi.advanceTimersByTimeAsync(2_500);
  expect(visited).toBe(0);
  ticks.stop();
});

test('ticks that were stopped leave nothing behind in the library', () => {
  const before = getTasks().size;
  const ticks = startTicks('*/5 * * * *', () => undefined);
  expect(getTasks().size).toBe(before + 1);
  ticks.stop();
  expect(getTasks().size).toBe(before);
});
