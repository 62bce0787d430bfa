import { abortable, sleep } from '../../timing/sleep.ts';
import { OF_LEASES } from '../watch/outage-log.ts';
import type { RunResult } from '../run/run-outcome.ts';
import type { RunOptions } from '../run/table-job.ts';
import { nextInterval, SHORTEST_INTERVAL } from './adaptive-interval.ts';
import { CronTicks } from './cron-ticks.ts';
import { restAfter } from './failure-rest.ts';

/** The parts of a run's result that decide when the next run is. */
export type RunOutcome = Pick<RunResult, 'failure' | 'deferred' | 'changed'>;

export interface TableScheduleOptions {
  /** A cron expression, or `adaptive`. */
  readonly schedule: string;
  /** Asked before each adaptive interval, because the environment may change it. */
  readonly linkLifeDays: () => number | null;
  /** Runs the table's job when there is a place for it. */
  readonly run: (options: RunOptions, signal: AbortSignal) => Promise<RunOutcome>;
}

/** Milliseconds until a load that found no place asks again, half as much or more by chance. */
const DEFERRAL = 10_000;

/**
 * When one table's job runs: at its ticks, or after adaptive intervals; once at the start; and soon again
 * after a failure, or after a load that found no place. Of these node-cron knows the ticks alone.
 *
 * One loop does all runs, one after another, so that no two overlap. Ticks that come while a run goes on are
 * one further run at its end. A table that fails runs again when it has rested, whatever its ticks say.
 */
export class TableSchedule {
  private readonly options: TableScheduleOptions;
  private next = createNextRun();
  private failures = 0;
  /** Milliseconds between two adaptive runs; undefined before the first success, and on a cron schedule. */
  private interval: number | undefined;

  constructor(options: TableScheduleOptions) {
    this.options = options;
  }

  /** Runs until aborted; resolves once the run under way has ended. Rejects when a run throws. */
  async run(signal: AbortSignal): Promise<void> {
    const { schedule } = this.options;
    const ask = async (dueAt: number): Promise<void> => {
      this.next.asked.resolve(dueAt);
      return this.next.ended.promise;
    };
    const ticks = schedule === 'adaptive' ? undefined : new CronTicks(schedule, ask);
    try {
      let endedAt = Number.NEGATIVE_INFINITY;
      let rest: number | undefined = 0;
      for (;;) {
        let dueAt: number;
        if (rest === undefined) {
          // A tick that came during the last run is due since the end of that run, not before.
          dueAt = Math.max(endedAt, await abortable(this.next.asked.promise, signal));
        } else {
          await sleep(rest + Math.random() * (ticks?.spread ?? this.spread()), signal);
          dueAt = performance.now() - this.freshness();
        }
        const { ended } = this.next;
        this.next = createNextRun();
        const outcome = await this.options.run({ dueAt }, signal);
        ended.resolve();
        endedAt = performance.now();
        rest = this.restAfter(outcome);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      ticks?.stop();
    }
  }

  /** Milliseconds until the table runs by itself; undefined where it waits for a tick. */
  private restAfter({ deferred, failure, changed }: RunOutcome): number | undefined {
    if (deferred) return DEFERRAL * (0.5 + Math.random());
    if (failure !== null) {
      // Another process has the table, and may die: with longer and longer rests nobody would take over soon.
      this.failures = OF_LEASES.has(failure.code) ? 1 : this.failures + 1;
      return restAfter(failure, this.failures);
    }
    this.failures = 0;
    if (this.options.schedule !== 'adaptive') return undefined;
    this.interval = nextInterval(this.interval, changed, this.options.linkLifeDays());
    // Shortened by up to a tenth, by chance, so that tables which started together drift apart.
    return this.interval * (1 - Math.random() / 10);
  }

  /** Milliseconds over which the runs of adaptive tables are spread that know nothing of their table yet. */
  private spread(): number {
    return this.interval === undefined ? SHORTEST_INTERVAL : 0;
  }

  /**
   * Milliseconds: a run of another process that ended so short a time ago is as good as one of ours. Of several
   * processes one then polls for all, and each takes over when that one falls silent.
   */
  private freshness(): number {
    return (this.interval ?? 0) / 2;
  }
}

interface NextRun {
  /** Since when the run has been due, by `performance.now()`. */
  readonly asked: PromiseWithResolvers<number>;
  readonly ended: PromiseWithResolvers<void>;
}

function createNextRun(): NextRun {
  return { asked: Promise.withResolvers(), ended: Promise.withResolvers() };
}
