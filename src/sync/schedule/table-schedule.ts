import { sleep } from '../../timing/sleep.ts';
import { OF_LEASES } from '../watch/outage-log.ts';
import { restAfter } from './schedule-delay.ts';
import type { RunResult } from '../run/run-outcome.ts';
import type { RunOptions } from '../run/table-job.ts';
import type { StartTicks, TableTicks } from './table-ticks.ts';

/** What of a run's result decides when the next one is. */
export type RunOutcome = Pick<RunResult, 'failure' | 'deferred' | 'changed'>;

export interface TableScheduleOptions {
  /** When runs fall due; see `ticksOf`. */
  readonly startTicks: StartTicks;
  /** Runs the table's job when there is a place for it. */
  readonly run: (options: RunOptions, signal: AbortSignal) => Promise<RunOutcome>;
  readonly random?: () => number;
}

/** Milliseconds until a load that found no place asks again, half as much or more by chance. */
const DEFERRAL = 10_000;

/**
 * Starts one table's job at its ticks, and once at the beginning.
 *
 * States: waiting; running; running with a tick missed. The job never overlaps itself: ticks that
 * come while it runs are one further run at its end. A table that fails rests, and is tried again when
 * it has rested rather than at its next tick, of which there may be none before a run succeeds.
 */
export class TableSchedule {
  private readonly options: TableScheduleOptions;
  private readonly random: () => number;
  private wake: (() => void) | undefined;
  private due = true;
  private failures = 0;
  private restUntil = 0;
  private retry: NodeJS.Timeout | undefined;

  constructor(options: TableScheduleOptions) {
    this.options = options;
    this.random = options.random ?? Math.random;
  }

  /** Runs until aborted; resolves once the run under way has ended. */
  async run(signal: AbortSignal): Promise<void> {
    const ticks = this.options.startTicks(() => this.tick(), this.random);
    const onAbort = (): void => this.wake?.();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (!signal.aborted) {
        if (!this.due) await new Promise<void>((resolve) => (this.wake = resolve));
        if (signal.aborted) break;
        await this.start(ticks, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      clearTimeout(this.retry);
      ticks.stop();
      signal.removeEventListener('abort', onAbort);
    }
  }

  private tick(): void {
    this.due = true;
    this.wake?.();
  }

  private async start(ticks: TableTicks, signal: AbortSignal): Promise<void> {
    const dueAt = performance.now() - ticks.freshness();
    await sleep(ticks.jitter(), signal);
    this.due = false;
    if (performance.now() < this.restUntil) {
      this.retryIn(this.restUntil - performance.now() + 1);
      return;
    }
    const result = await this.options.run({ dueAt }, signal);
    if (result.deferred) {
      this.retryIn(DEFERRAL * (0.5 + this.random()));
      return;
    }
    if (result.failure === null) {
      this.failures = 0;
      ticks.succeeded(result.changed);
      return;
    }
    // Another process has the table, and may die: whoever rested longer and longer would come too late.
    this.failures = OF_LEASES.has(result.failure.code) ? 1 : this.failures + 1;
    const rest = restAfter(result.failure, this.failures);
    this.restUntil = performance.now() + rest;
    // A table with a tick a day is not to wait for it because of a hiccup.
    this.retryIn(rest + 1);
  }

  /** One timer at a time: those of runs that ticks began would start ever more runs. */
  private retryIn(milliseconds: number): void {
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.tick(), milliseconds);
  }
}
