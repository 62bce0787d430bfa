import { createTask } from 'node-cron';
import { LONGEST_INTERVAL } from '../../sync/schedule/adaptive-interval.ts';
import type { CheckedTable } from './check-table.ts';
import { bad, type Finding } from './finding.ts';
import { longestRest } from './longest-rest.ts';

const DAY = 86_400_000;

/**
 * Finds tables whose delta link may expire after a single failed poll, because two of their ticks are
 * further apart than half of the link's life. An adaptive schedule avoids this by itself.
 *
 * @param lifeDays undefined if the environment does not tell; then there is no finding.
 */
export function checkSchedules(tables: readonly CheckedTable[], lifeDays: number | undefined): Finding[] {
  if (lifeDays === undefined || lifeDays <= 0) return [];
  const rests = new Map(
    [...new Set(tables.map(({ schedule }) => schedule))]
      .filter((schedule) => schedule !== 'adaptive')
      .map((cron) => [cron, longestRest(cron)]),
  );
  return tables.flatMap(({ name, schedule, mode }) => {
    const rest = rests.get(schedule) ?? 0;
    if (mode === 'snapshot' || rest <= (lifeDays * DAY) / 2) return [];
    return [
      bad(
        `table.${name}.schedule`,
        `table ${name}`,
        `two polls may be ${days(rest)} days apart, but a delta link lives ${days(lifeDays * DAY)} days`,
        `Give the table a schedule with at most ${days((lifeDays * DAY) / 2)} days between two ticks. An expired link costs a load of the whole table.`,
      ),
    ];
  });
}

function days(milliseconds: number): number {
  return Math.round((milliseconds / DAY) * 10) / 10;
}

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
