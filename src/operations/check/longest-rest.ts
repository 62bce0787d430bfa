import { createTask, parse } from 'node-cron';

const SECOND = 1_000;
const DAY = 86_400_000;
/** Days after which the calendar repeats itself, leap years and weekdays included; so until 2100. */
const CYCLE = 28 * 365 + 7;
/** The first day of a cycle; any would do. */
const BEGINNING = Date.UTC(2024, 0, 1);

/**
 * Milliseconds between the two neighbouring ticks of a cron expression that are farthest apart, whatever
 * the day. By the clock on the wall: where that is set for summer time, it may be an hour more.
 *
 * @param cron 5 fields, or 6 with seconds first. Infinity for one that never ticks.
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

/** The seconds of a day at which it ticks, on the days that it does; in order. */
function timesOfDay(cron: string): number[] {
  const { hour, minute, second } = parse(cron);
  const minutes = hour.flatMap((hours) => minute.map((rest) => hours * 60 + rest));
  const seconds = minutes.flatMap((each) => second.map((rest) => each * 60 + rest));
  return seconds.toSorted((a, b) => a - b);
}

/** The days of a cycle on which it ticks: those that fit the fields of day, month and weekday alike. */
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

/** Asks the library, which is slow and knows what `L`, `15W` and `1#2` mean. */
function createDayMatch(cron: string): (day: number) => boolean {
  const dayFields = cron.trim().split(/\s+/).slice(-3).join(' ');
  // Midnight of a zone without summer time: it comes exactly once a day.
  const task = createTask(`0 0 0 ${dayFields}`, () => undefined, { timezone: 'UTC' });
  // Else the library keeps it as long as the process lives.
  void task.destroy();
  return (day) => task.match(new Date(BEGINNING + day * DAY));
}

/** The largest difference between neighbours. */
function longestGap(ordered: readonly number[]): number {
  return ordered.reduce((longest, at, index) => Math.max(longest, at - (ordered[index - 1] ?? at)), 0);
}
