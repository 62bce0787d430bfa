import { createTask } from 'node-cron';
import { sleep } from '../model/sleep.ts';
import { restAfter, startJitter } from './schedule-delay.ts';
import type { RunOptions, RunResult } from './table-job.ts';

export interface TableScheduleOptions {
  /** Cron, five fields, or six with seconds. */
  readonly cron: string;
  /** Runs the table's job when there is a place for it. */
  readonly run: (options: RunOptions, signal: AbortSignal) => Promise<RunResult>;
  readonly random?: () => number;
}

/**
 * Starts one table's job at its ticks, and once at the beginning.
 *
 * States: waiting; running; running with a tick missed. The job never overlaps itself: ticks that
 * come while it runs are one further run at its end. A table that fails rests before the next run.
 */
export class TableSchedule {
  private readonly options: TableScheduleOptions;
  private readonly random: () => number;
  private wake: (() => void) | undefined;
  private due = true;
  private failures = 0;
  private restUntil = 0;

  constructor(options: TableScheduleOptions) {
    this.options = options;
    this.random = options.random ?? Math.random;
  }

  /** Runs until aborted; resolves once the run under way has ended. */
  async run(signal: AbortSignal): Promise<void> {
    const task = createTask(this.options.cron, () => this.tick(), {
      noOverlap: false,
      suppressMissedWarning: true,
      logger: SILENT,
    });
    const onAbort = (): void => this.wake?.();
    signal.addEventListener('abort', onAbort, { once: true });
    await task.start();
    try {
      while (!signal.aborted) {
        if (!this.due) await new Promise<void>((resolve) => (this.wake = resolve));
        if (signal.aborted) break;
        await this.start(task.msToNext() ?? 0, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      await task.destroy();
      signal.removeEventListener('abort', onAbort);
    }
  }

  private tick(): void {
    this.due = true;
    this.wake?.();
  }

  private async start(toNextTick: number, signal: AbortSignal): Promise<void> {
    const dueAt = performance.now();
    await sleep(startJitter(toNextTick, this.random()), signal);
    this.due = false;
    if (performance.now() < this.restUntil) return;
    const result = await this.options.run({ dueAt }, signal);
    if (result.failure === null) {
      this.failures = 0;
      return;
    }
    this.failures++;
    this.restUntil = performance.now() + restAfter(result.failure, this.failures);
  }
}

// A missed tick is no news: it is coalesced.
const silent = (): void => undefined;
const SILENT = { info: silent, warn: silent, error: silent, debug: silent };
