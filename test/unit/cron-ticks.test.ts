import { getTasks } from 'node-cron';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startTicks } from '../../src/sync/schedule/cron-ticks.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const zone = process.env['TZ'];

beforeEach(() => {
  vi.useFakeTimers();
  process.env['TZ'] = 'Europe/Berlin';
});
afterEach(() => {
  vi.useRealTimers();
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
});

/** Times between ticks, in minutes, while so much time passes. */
async function gaps(cron: string, from: string, milliseconds: number): Promise<number[]> {
  vi.setSystemTime(new Date(from));
  const at: number[] = [];
  const ticks = startTicks(cron, () => at.push(performance.now()));
  await vi.advanceTimersByTimeAsync(milliseconds);
  ticks.stop();
  return at.slice(1).map((moment, index) => Math.round((moment - (at[index] ?? 0)) / MINUTE));
}

test('ticks come at their times', async () => {
  expect(await gaps('*/5 * * * *', '2026-06-01T10:01:00Z', HOUR)).toEqual(Array<number>(11).fill(5));
});

test.each([
  ['begins', '2026-03-28T23:58:00Z'],
  ['ends', '2026-10-24T22:58:00Z'],
])('none is left out and none comes twice where summer time %s', async (_, from) => {
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
  let ticks = 0;
  const { stop } = startTicks('30 2 * * *', () => ticks++);
  vi.setSystemTime(new Date('2026-03-29T06:00:00Z'));
  await vi.advanceTimersByTimeAsync(MINUTE);
  expect(ticks).toBe(1);
  stop();
});

test('a daily tick in the hour that a clock shows twice comes in both', async () => {
  expect(await moments('30 2 * * *', '2026-10-25T00:20:00Z', 2)).toEqual(['10-25T00:30', '10-25T01:30']);
});

test('a clock that is set back two hours is not slept through', async () => {
  vi.setSystemTime(new Date('2026-06-01T10:01:00Z'));
  let ticks = 0;
  const { stop } = startTicks('*/5 * * * *', () => ticks++);
  await vi.advanceTimersByTimeAsync(10 * MINUTE);
  expect(ticks).toBe(2);
  vi.setSystemTime(new Date('2026-06-01T08:11:00Z'));
  await vi.advanceTimersByTimeAsync(10 * MINUTE);
  expect(ticks).toBe(4);
  stop();
});

test('a clock that is set forward over many ticks makes one, within ten seconds', async () => {
  vi.setSystemTime(new Date('2026-06-01T10:01:00Z'));
  let ticks = 0;
  const { stop } = startTicks('0 12 * * *', () => ticks++);
  await vi.advanceTimersByTimeAsync(MINUTE);
  vi.setSystemTime(new Date('2026-06-04T13:00:00Z'));
  await vi.advanceTimersByTimeAsync(MINUTE / 6);
  expect(ticks).toBe(1);
  stop();
});

test('ticks that were stopped leave nothing behind in the library', () => {
  const before = getTasks().size;
  const { stop } = startTicks('*/5 * * * *', () => undefined);
  expect(getTasks().size).toBe(before + 1);
  stop();
  expect(getTasks().size).toBe(before);
});
