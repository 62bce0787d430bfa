import { createTask } from 'node-cron';

const WINDOW = 300_000;
const TICKS = 20;

/**
 * Requests that tables on these schedules make in five minutes when nothing changes: one for each
 * table at each tick.
 */
export function requestsPer5Minutes(crons: readonly string[]): number {
  const ticks = new Map([...new Set(crons)].map((cron) => [cron, ticksPerWindow(cron)]));
  return Math.ceil(crons.reduce((sum, cron) => sum + (ticks.get(cron) ?? 0), 0));
}

function ticksPerWindow(cron: string): number {
  const task = createTask(cron, () => undefined);
  const ticks = task.getNextRuns(TICKS);
  void task.destroy();
  const first = ticks[0]?.getTime() ?? 0;
  const last = ticks.at(-1)?.getTime() ?? 0;
  return last > first ? ((ticks.length - 1) * WINDOW) / (last - first) : 0;
}
