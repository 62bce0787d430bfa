import { ADAPTIVE } from '../../model/schedule.ts';
import type { CheckedTable } from './check-table.ts';
import { bad, type Finding } from './finding.ts';
import { longestRest } from './longest-rest.ts';

const DAY = 86_400_000;

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

function days(milliseconds: number): number {
  return Math.round((milliseconds / DAY) * 10) / 10;
}
