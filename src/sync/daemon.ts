import Bottleneck from 'bottleneck';
import type { Logger } from 'pino';
import type { Dataverse } from '../dataverse/dataverse.ts';
import type { Mirror } from '../mirror/mirror.ts';
import { pruneRuns } from '../mirror/state/outcomes.ts';
import { sleep } from '../model/sleep.ts';
import type { LeaseKeeper } from './lease-keeper.ts';
import type { TableJob } from './table-job.ts';
import { TableSchedule } from './table-schedule.ts';

export interface ScheduledJob {
  readonly job: TableJob;
  readonly cron: string;
}

export interface DaemonOptions {
  readonly dataverse: Dataverse;
  readonly mirror: Mirror;
  readonly jobs: readonly ScheduledJob[];
  readonly leases: LeaseKeeper;
  readonly tablesAtOnce: number;
  readonly logger: Logger;
}

const HOUR = 3_600_000;

/**
 * Every configured table on its schedule, a bounded number at once, until aborted. Resolves when the
 * pages under way are stored or rolled back and the leases are given back.
 */
export async function runDaemon(options: DaemonOptions, signal: AbortSignal): Promise<void> {
  const { jobs, logger } = options;
  const places = new Bottleneck({ maxConcurrent: options.tablesAtOnce });
  const schedules = jobs.map(
    ({ job, cron }) =>
      new TableSchedule({
        cron,
        run: async (run, stop) =>
          places.schedule(async () => {
            stop.throwIfAborted();
            return job.run(run, stop);
          }),
      }),
  );
  // Leases are kept until the last job has ended, which is after the signal.
  const ended = new AbortController();
  const keeper = options.leases.run(ended.signal);
  logger.info({ tables: jobs.length }, 'Mirroring.');
  try {
    await Promise.all([hourly(options, signal), ...schedules.map(async (schedule) => schedule.run(signal))]);
  } finally {
    ended.abort();
    await keeper;
  }
}

/** Looks at the metadata anew, so that changes at the source are noticed, and tidies the state. */
async function hourly(options: DaemonOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await sleep(HOUR, signal);
      options.dataverse.metadata.forget();
      await pruneRuns(options.mirror.store);
    } catch (error) {
      if (signal.aborted) return;
      const name = error instanceof Error ? error.name : 'unknown';
      options.logger.warn({ error: name }, 'Old runs could not be removed; trying again in an hour.');
    }
  }
}
