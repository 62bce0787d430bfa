import { createTask, parse } from 'node-cron';

const SECOND = 1_000;
const DAY = 86_400_000;
/** Days after which the calendar repeats itself, with leap years and weekdays. This holds until 2100. */
const CYCLE = 28 * 365 + 7;
/** The first day of a cycle. Any day would do. */
const BEGINNING = Date.UTC(2024, 0, 1);

/**
 * The longest time between two neighbouring ticks of a cron expression, in milliseconds, over all days. It
 * may be an hour more where clocks change for summer time.
 *
 * @param cron 5 fields, or 6 with seconds first.
 * @returns Infinity if the expression never ticks.
 */
export function longestRest(cron: string): number {
  const times = timesOfDay(cron);
  const days = daysOfCycle(cron);
  const [firstDay] = days;
  if (firstDay === undefined) return Number.POSITIVE_INFINITY;
  const daysApart = longestGap([...days, firstDay + CYCLE]);
  const lastToFirst = daysApart * DAY - ((times.at(-1) ?? 0) - (times[0] ?? 0)) * SECOND;
  return Math.max(lastToFirst, longestGap(times) * SECOND);
}

/** The seconds of a day at which the expression ticks, in order. */
function timesOfDay(cron: string): number[] {
  const { hour, minute, second } = parse(cron);
  const minutes = hour.flatMap((hours) => minute.map((rest) => hours * 60 + rest));
  const seconds = minutes.flatMap((each) => second.map((rest) => each * 60 + rest));
  return seconds.toSorted((a, b) => a - b);
}

/** The days of a cycle on which the expression ticks: they fit its fields of day, month and weekday. */
function daysOfCycle(cron: string): number[] {
  const { dayOfMonth, month, dayOfWeek } = parse(cron);
  const days = Array.from({ length: CYCLE }, (_, day) => day);
  if (![...dayOfMonth, ...dayOfWeek].every(Number.isInteger)) return days.filter(createDayMatch(cron));
  const [dates, months, weekdays] = [new Set(dayOfMonth), new Set(month), new Set(dayOfWeek)];
  return days.filter((day) => {
    const at = new Date(BEGINNING + day * DAY);
    return dates.has(at.getUTCDate()) && months.has(at.getUTCMonth() + 1) && weekdays.has(at.getUTCDay());
  });
}

/** Asks the library, which is slow but knows what `L`, `15W` and `1#2` mean. */
function createDayMatch(cron: string): (day: number) => boolean {
  const dayFields = cron.trim().split(/\s+/).slice(-3).join(' ');
  // UTC has no summer time, so its midnight comes exactly once a day.
  const task = createTask(`0 0 0 ${dayFields}`, () => undefined, { timezone: 'UTC' });
  // Otherwise the library keeps the task as long as the process lives.
  void task.destroy();
  return (day) => task.match(new Date(BEGINNING + day * DAY));
}

/** The largest difference between neighbours. */
function longestGap(ordered: readonly number[]): number {
  return ordered.reduce((longest, at, index) => Math.max(longest, at - (ordered[index - 1] ?? at)), 0);
}
