import { createTask } from 'node-cron';

const SECOND = 1_000;
const MINUTE = 60_000;

/**
 * Whether a cron expression has a tick at a time that the clock on the wall skipped between two
 * moments, as it does where summer time begins. The library knows no such time: a table whose one tick
 * of the day is at half past two would have none on that day.
 *
 * @param from milliseconds since 1970, as `to`.
 */
export function ticksInSkippedTime(cron: string, from: number, to: number): boolean {
  const skipped = offset(from) - offset(to);
  if (skipped <= 0) return false;
  const jump = changeOfOffset(from, to);
  // By a clock of UTC each time of day is there: what the clock here would have shown is looked up on it.
  const first = Math.ceil((jump - offset(from) * MINUTE) / SECOND) * SECOND;
  const task = createTask(cron, () => undefined, { timezone: 'UTC' });
  try {
    for (let at = first; at < first + skipped * MINUTE; at += SECOND) {
      if (task.match(new Date(at))) return true;
    }
    return false;
  } finally {
    void task.destroy();
  }
}

/** The first moment between two that has the offset of the second. */
function changeOfOffset(from: number, to: number): number {
  let before = from;
  let after = to;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (offset(middle) === offset(to)) after = middle;
    else before = middle;
  }
  return after;
}

/** Minutes by which UTC is ahead of the zone of the process. */
function offset(at: number): number {
  return new Date(at).getTimezoneOffset();
}
