import { abortable, sleep, untilAborted } from '../../timing/sleep.ts';
import type { TableControl } from '../watch/control-watch.ts';
import { LEFT_ALONE } from '../watch/outage-log.ts';
import { isDatabaseAway } from '../run/repairs.ts';
import type { RunResult } from '../run/run-outcome.ts';
import type { RunOptions } from '../run/table-job.ts';
import { nextInterval, SHORTEST_INTERVAL } from './adaptive-interval.ts';
import { startCronTicks } from './cron-ticks.ts';
import { restAfter } from '../../timing/back-off.ts';

/** The parts of a run's result that decide when the next run is. */
export type RunOutcome = Pick<RunResult, 'failure' | 'deferred' | 'changed'> & {
  /** A nudge asked for the run. */
  readonly byNudge?: boolean;
};

export interface TableSchedule {
  /** A cron expression, or `adaptive`. */
  readonly schedule: string;
  /** Asked before each adaptive interval, because the environment may change it. */
  readonly linkLifeDays: () => number | null;
  /** Runs the table's job when there is a place for it. */
  readonly run: (options: RunOptions, signal: AbortSignal) => Promise<RunOutcome>;
  /** Whether another daemon is to poll the table, and this one only if that one does not; absent, it never is. */
  readonly isOthersTurn?: () => boolean;
  /** What people ask of the table; absent, nobody can. */
  readonly control?: TableControl;
}

/** Milliseconds until a load that found no place asks again, half as much or more by chance. */
const DEFERRAL = 10_000;

/**
 * Runs one table's job until aborted: at its ticks, or after adaptive intervals; once at the start; and soon
 * again after a failure, or after a load that found no place. Of these node-cron knows the ticks alone. A paused table
 * rests until it is called, and a call ends any other rest. A nudge is such a call.
 *
 * One loop does all runs, one after another, so that no two overlap. Ticks that come while a run goes on are
 * one further run at its end. A table that fails runs again when it has rested, whatever its ticks say.
 *
 * @returns once the run under way has ended. @throws what a run throws before.
 */
export async function keepSchedule(
  { schedule, linkLifeDays, run, isOthersTurn = () => false, control }: TableSchedule,
  signal: AbortSignal,
): Promise<void> {
  let asked = Promise.withResolvers<number>();
  let ended = Promise.withResolvers<void>();
  let failures = 0;
  /** Milliseconds between two adaptive runs; undefined before the first success, and on a cron schedule. */
  let interval: number | undefined;

  /** Milliseconds until the table runs by itself; undefined where it waits for a tick. */
  const restAfterRun = ({ deferred, failure, changed, byNudge = false }: RunOutcome): number | undefined => {
    if (deferred) return DEFERRAL * (0.5 + Math.random());
    if (failure !== null) {
      // Another process has the table, and may die: with longer and longer rests nobody would take over soon.
      // A database that is away may come back at any time: the run itself asks it again and again.
      failures = LEFT_ALONE.has(failure.code) || isDatabaseAway(failure) ? 1 : failures + 1;
      return restAfter(failure, failures);
    }
    failures = 0;
    if (schedule !== 'adaptive') return undefined;
    // Nudges that bring nothing must not make the schedule slower.
    if (changed || !byNudge || interval === undefined)
      interval = nextInterval(interval, changed, linkLifeDays());
    // Shortened by up to a tenth, by chance, so that tables which started together drift apart.
    const rest = interval * (1 - Math.random() / 10);
    return isOthersTurn() ? rest + interval / 10 : rest;
  };

  let called = new AbortController();
  const unlisten = control?.listen(() => called.abort());
  /** When the table is due: as `wait` says, or at once if a person calls the table first. */
  const unlessCalled = async (wait: (either: AbortSignal) => Promise<number>): Promise<number> => {
    if (control === undefined) return wait(signal);
    try {
      return await wait(AbortSignal.any([signal, called.signal]));
    } catch (error) {
      signal.throwIfAborted();
      if (!called.signal.aborted) throw error;
      called = new AbortController();
      return performance.now();
    }
  };

  const ask = async (dueAt: number): Promise<void> => {
    asked.resolve(dueAt);
    return ended.promise;
  };
  const ticks = schedule === 'adaptive' ? undefined : startCronTicks(schedule, ask);
  try {
    let endedAt = Number.NEGATIVE_INFINITY;
    let rest: number | undefined = 0;
    for (;;) {
      const dueAt = await unlessCalled(async (either) => {
        if (control?.isPaused() === true) {
          await untilAborted(either);
          throw either.reason;
        }
        // A tick that came during the last run is due since the end of that run, not before.
        if (rest === undefined) {
          const tick = Math.max(endedAt, await abortable(asked.promise, either));
          // By then the daemon whose turn it is has begun.
          if (isOthersTurn()) await sleep(ticks?.spread ?? 0, either);
          return tick;
        }
        const spread = ticks?.spread ?? (interval === undefined ? SHORTEST_INTERVAL : 0);
        const delay = Math.random() * spread;
        await sleep(rest + delay, either);
        // A run of another process within half of the interval is as good as one of ours. Of several processes
        // one then polls for all, and each takes over when that one falls silent.
        // What they did during the random delay counts as well.
        return performance.now() - delay - (interval ?? 0) / 2;
      });
      const { resolve } = ended;
      [asked, ended] = [Promise.withResolvers(), Promise.withResolvers()];
      rest = restAfterRun(await run({ dueAt }, signal));
      resolve();
      endedAt = performance.now();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    ticks?.stop();
    unlisten?.();
  }
}
