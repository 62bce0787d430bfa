import { createTask } from 'node-cron';
import { ticksInSkippedTime } from './skipped-time.ts';

const SECOND = 1_000;
const HOUR = 3_600_000;
/** Milliseconds after which the clock is looked at again, however far away the next tick is. */
const LOOK = 10 * SECOND;

/** The ticks of a cron expression, by the clock on the wall. */
export interface CronTicks {
  /** Milliseconds to the next one. */
  readonly toNext: () => number;
  readonly stop: () => void;
}

/**
 * Calls back at each tick of a cron expression, until stopped. A tick that came late, because the
 * process stood still, is a tick all the same; several that were missed are one. Those of an hour that
 * the clock skips come as one at its end; those of an hour that it shows twice come twice.
 *
 * A timer runs by time that passes, a schedule by a clock that may be set: after ten seconds at most
 * the next tick is found anew. A clock that was set back two hours would otherwise be slept through.
 */
export function startTicks(cron: string, onTick: () => void): CronTicks {
  const task = createTask(cron, () => undefined);
  const next = (): number => task.getNextRuns(1)[0]?.getTime() ?? Number.POSITIVE_INFINITY;
  // The library's next tick leaves out the hour that a clock shows twice; whether a moment fits it knows.
  const hasFitted = (from: number, to: number): boolean => {
    for (let at = Math.floor(to / SECOND) * SECOND; at > from && at > to - 2 * LOOK; at -= SECOND) {
      if (task.match(new Date(at))) return true;
    }
    return false;
  };
  let due = next();
  let lookedAt = Date.now();
  let timer: NodeJS.Timeout;
  const look = (): void => {
    const now = Date.now();
    const isDue =
      now >= due ||
      (offsetChangesNear(now) && hasFitted(lookedAt, now)) ||
      ticksInSkippedTime(cron, lookedAt, now);
    lookedAt = now;
    due = next();
    arm(now);
    if (isDue) onTick();
  };
  const arm = (now: number): void => {
    const longest = offsetChangesNear(now) ? SECOND : LOOK;
    timer = setTimeout(look, Math.min(longest, Math.max(1, due - now)));
  };
  arm(lookedAt);
  return {
    toNext: () => Math.max(0, due - Date.now()),
    stop: () => {
      clearTimeout(timer);
      // Else the library keeps it as long as the process lives.
      void task.destroy();
    },
  };
}

/** Whether summer time begins or ends around a moment, in the zone of the process. */
function offsetChangesNear(now: number): boolean {
  return new Date(now - 3 * HOUR).getTimezoneOffset() !== new Date(now + 3 * HOUR).getTimezoneOffset();
}
