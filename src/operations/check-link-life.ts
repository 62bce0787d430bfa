import { createTask } from 'node-cron';
import { ADAPTIVE } from '../model/schedule.ts';
import type { CheckedTable } from './check-table.ts';
import { bad, type Finding } from './finding.ts';

const DAY = 86_400_000;
/** The hours of a month: whatever days and hours of it a schedule rests, they are met. */
const TICKS = 800;

/**
 * Tables that are polled so seldom that one failed poll may cost their delta link: two ticks are more
 * than half of its life apart. An adaptive schedule sees to that by itself.
 *
 * @param lifeDays undefined where the environment does not tell; then nothing is concluded.
 */
export function checkSchedules(tables: readonly CheckedTable[], lifeDays: number | undefined): Finding[] {
  if (lifeDays === undefined || lifeDays <= 0) return [];
  const rests = new Map(
    [...new Set(tables.map(({ schedule }) => schedule))]
      .filter((schedule) => schedule !== ADAPTIVE)
      .map((cron) => [cron, longestRest(cron)]),
  );
  return tables.flatMap(({ name, schedule, mode }) => {
    const rest = rests.get(schedule) ?? 0;
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

/**
 * Milliseconds between the two ticks that are farthest apart, by the hours that have any: up to an hour
 * too many. All the ticks of a month would be far too many to look at.
 */
function longestRest(cron: string): number {
  const hoursAndDays = cron.trim().split(/\s+/).slice(-4).join(' ');
  const task = createTask(`0 ${hoursAndDays}`, () => undefined);
  const ticks = task.getNextRuns(TICKS).map((tick) => tick.getTime());
  void task.destroy();
  return ticks.reduce((longest, tick, at) => Math.max(longest, tick - (ticks[at - 1] ?? tick)), 0);
}

function days(milliseconds: number): number {
  return Math.round((milliseconds / DAY) * 10) / 10;
}
