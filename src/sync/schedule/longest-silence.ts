import { createTask } from 'node-cron';

const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** Seconds without a success that every schedule allows. */
export const SHORTEST_ALLOWANCE = 15 * MINUTE;
/** An adaptive table rests for an hour at most. */
const ADAPTIVE = 3 * HOUR;
/** For a table whose schedule is not known, as where a command has the database alone. */
const UNKNOWN = 2 * HOUR;
/** Ticks that are looked at. As many hours are more than a week. */
const TICKS = 200;

/** What was computed before, because the status page asks every few seconds. */
const computed = new Map<string, number>();

/**
 * Seconds that a table may be without a success while its schedule is kept: three of the longest gaps between two
 * ticks, so that one long run or one failure is no alarm.
 *
 * @param schedule a cron expression or `adaptive`; undefined if it is not known.
 */
export function longestSilence(schedule: string | undefined): number {
  if (schedule === undefined) return UNKNOWN;
  if (schedule === 'adaptive') return ADAPTIVE;
  const known = computed.get(schedule);
  if (known !== undefined) return known;
  const silence = Math.max(SHORTEST_ALLOWANCE, 3 * longestGap(schedule));
  computed.set(schedule, silence);
  return silence;
}

/** Seconds. */
function longestGap(cron: string): number {
  const gap = gapOf(cron);
  // Two hundred ticks of a schedule that ticks often may all lie before the night or the weekend in which it rests.
  // The ticks at full hours, or at one minute of these hours, reach past both.
  const fields = cron.trim().split(/\s+/);
  const days = fields.slice(-4);
  if (days.every((field) => field === '*')) return gap;
  const hourly = gapOf(['0', ...days].join(' '));
  return hourly > HOUR ? Math.max(gap, hourly) : gap;
}

/** Seconds of the longest gap among the next ticks. Summer time does not matter here. */
function gapOf(cron: string): number {
  const task = createTask(cron, () => undefined, { timezone: 'UTC' });
  try {
    const ticks = task.getNextRuns(TICKS).map((tick) => tick.getTime() / 1_000);
    return ticks.reduce((longest, tick, at) => Math.max(longest, tick - (ticks[at - 1] ?? tick)), 0);
  } finally {
    // Otherwise node-cron keeps the task for as long as the process lives.
    void task.destroy();
  }
}
