import { createTask } from 'node-cron';
import type { CheckedTable } from './check-table.ts';
import { bad, type Finding } from './finding.ts';

const DAY = 86_400_000;
/** Enough to meet the longest rest of a schedule that rests for days; one that has none needs no more. */
const TICKS = 500;

/**
 * Tables that are polled so seldom that one failed poll may cost their delta link: two ticks are more
 * than half of its life apart.
 *
 * @param lifeDays undefined where the environment does not tell; then nothing is concluded.
 */
export function checkSchedules(tables: readonly CheckedTable[], lifeDays: number | undefined): Finding[] {
  if (lifeDays === undefined || lifeDays <= 0) return [];
  const rests = new Map(
    [...new Set(tables.map(({ cron }) => cron))].map((cron) => [cron, longestRest(cron)]),
  );
  return tables.flatMap(({ name, cron, mode }) => {
    const rest = rests.get(cron) ?? 0;
    if (mode === 'snapshot' || rest <= (lifeDays * DAY) / 2) return [];
    return [
      bad(
        `table.${name}.schedule`,
        `table ${name}`,
        `is polled ${days(rest)} days apart, but a delta link lives ${lifeDays} day(s)`,
        `Give it a schedule that leaves ${days((lifeDays * DAY) / 2)} days at most between two ticks: an expired link costs a load of the whole table.`,
      ),
    ];
  });
}

/** Milliseconds between the two ticks that are farthest apart. */
function longestRest(cron: string): number {
  const task = createTask(cron, () => undefined);
  const ticks = task.getNextRuns(TICKS).map((tick) => tick.getTime());
  void task.destroy();
  return ticks.reduce((longest, tick, at) => Math.max(longest, tick - (ticks[at - 1] ?? tick)), 0);
}

function days(milliseconds: number): number {
  return Math.round((milliseconds / DAY) * 10) / 10;
}
