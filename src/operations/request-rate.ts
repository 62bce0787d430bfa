import { createTask } from 'node-cron';
import { LONGEST_INTERVAL } from '../sync/schedule/adaptive-interval.ts';

const WINDOW = 300_000;
const TICKS = 20;

/**
 * Requests that tables on these schedules make in five minutes if nothing changes: one for each table at each
 * tick. An adaptive table counts with its longest interval.
 */
export function requestsPer5Minutes(schedules: readonly string[]): number {
  const ticks = new Map([...new Set(schedules)].map((schedule) => [schedule, ticksPerWindow(schedule)]));
  return Math.ceil(schedules.reduce((sum, schedule) => sum + (ticks.get(schedule) ?? 0), 0));
}

function ticksPerWindow(schedule: string): number {
  if (schedule === 'adaptive') return WINDOW / LONGEST_INTERVAL;
  const task = createTask(schedule, () => undefined);
  const ticks = task.getNextRuns(TICKS);
  void task.destroy();
  const first = ticks[0]?.getTime() ?? 0;
  const last = ticks.at(-1)?.getTime() ?? 0;
  return last > first ? ((ticks.length - 1) * WINDOW) / (last - first) : 0;
}
