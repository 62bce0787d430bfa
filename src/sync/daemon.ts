import type { Logger } from 'pino';
import type { Dataverse } from '../dataverse/dataverse.ts';
import type { Mirror } from '../mirror/mirror.ts';
import { registerTables } from '../mirror/lease/leases.ts';
import { pruneRuns } from '../mirror/state/outcomes.ts';
import { LogThrottle } from '../log/log-throttle.ts';
import { toFailure } from '../model/failure.ts';
import { lookAtEnvironment } from './watch/environment-watch.ts';
import type { LabelKeeper } from './watch/label-keeper.ts';
import type { LeaseKeeper } from './lease/lease-keeper.ts';
import { tellAgeingLinks } from './watch/link-age.ts';
import { watchMetadata } from './watch/metadata-watch.ts';
import { hasPatterns, readResolution } from './tables/read-resolution.ts';
import { tellRemoved } from './tables/removed-tables.ts';
import { runTables, type RunningTables } from './schedule/running-tables.ts';
import type { TableJob } from './run/table-job.ts';
import type { Resolution, TableChoice, TableEntry } from './tables/table-resolution.ts';

export interface ScheduledTable extends TableEntry {
  /** Cron expression, or `adaptive`. */
  readonly schedule: string;
}

export interface DaemonOptions<T extends ScheduledTable> {
  readonly dataverse: Dataverse;
  readonly mirror: Mirror;
  /** The tables that are meant; patterns among them mean others as the environment changes. */
  readonly choice: TableChoice<T>;
  /** What they mean at the start; the mirror has been opened with these tables. */
  readonly resolution: Resolution<T>;
  readonly createJob: (table: T) => TableJob;
  /** Told which tables are at work, at the start and whenever some join or leave. */
  readonly onTables?: (names: readonly string[]) => void;
  readonly leases: LeaseKeeper;
  /** Absent where no labels are wanted. */
  readonly labels?: LabelKeeper;
  readonly tablesAtOnce: number;
  readonly logger: Logger;
  /** Milliseconds between two looks at the metadata, should nothing call for one earlier; an hour. */
  readonly lookEvery?: number;
  /** Milliseconds after a look that failed; a minute. */
  readonly lookAgain?: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/**
 * Every table that is meant on its schedule, a bounded number at once, until aborted. Resolves when
 * the pages under way are stored or rolled back and the leases are given back.
 */
export async function runDaemon<T extends ScheduledTable>(
  options: DaemonOptions<T>,
  signal: AbortSignal,
): Promise<void> {
  const { mirror } = options;
  // A defect in one schedule or in the look-out ends the others too, before it ends the process: their
  // connections would otherwise keep it half alive for as long as a baseline takes.
  const jobs = new AbortController();
  const working = AbortSignal.any([signal, jobs.signal]);
  const running = runTables(options.tablesAtOnce, working, () => mirror.environment.linkLifeDays);
  // Leases are kept until the last job has ended, which is after the signal.
  const ended = new AbortController();
  const keeper = Promise.all([options.leases.run(ended.signal), options.labels?.run(ended.signal)]);
  const { tables } = options.resolution;
  options.logger.info({ tables: tables.length }, 'Mirroring.');
  try {
    for (const table of tables) running.add(options.createJob(table), table.schedule);
    options.onTables?.(running.names());
    await Promise.race([running.broken, keepLooking(options, running, working)]);
  } finally {
    jobs.abort();
    await running.stopped();
    ended.abort();
    await keeper;
  }
}

/**
 * Looks at the metadata anew every hour, so that changes at the source are noticed, and at once when
 * an answer told of a change; lets tables join and leave accordingly, and tidies the state. Every hour
 * it also looks who is at the environment's address, and how old the delta links have become.
 */
async function keepLooking<T extends ScheduledTable>(
  options: DaemonOptions<T>,
  running: RunningTables,
  signal: AbortSignal,
): Promise<void> {
  const { dataverse, mirror, choice, logger, lookEvery = HOUR, lookAgain = MINUTE } = options;
  const wait = watchMetadata(dataverse.metadata, signal);
  let due = performance.now() + lookEvery;
  let resolution: Resolution<T> | undefined = options.resolution;
  let agesAreDue = true;
  const failed = new LogThrottle(logger);
  while (!signal.aborted) {
    try {
      if (hasPatterns(choice)) {
        resolution ??= await readResolution(dataverse, choice, signal);
        await follow(options, resolution, running);
      }
      const isIncomplete = resolution?.isIncomplete === true;
      resolution = undefined;
      if (agesAreDue) {
        await tellAgeingLinks(mirror.store, mirror.environment.linkLifeDays, running.names(), logger);
      }
      agesAreDue = false;
      // What could not be told is asked again before long.
      await wait(Math.min(isIncomplete ? lookAgain : Infinity, Math.max(0, due - performance.now())));
      if (performance.now() < due) continue;
      const { replaced } = await lookAtEnvironment(dataverse, mirror, logger, signal);
      // Not before: who is at the address is asked again in a minute where it could not be told.
      due = performance.now() + lookEvery;
      agesAreDue = true;
      dataverse.metadata.forget();
      if (replaced !== undefined) dataverse.metadata.restart();
      await pruneRuns(mirror.store);
    } catch (error) {
      if (signal.aborted) return;
      // A change that cuts the rest short is to be in what is read after it.
      resolution = undefined;
      const { code } = toFailure(error);
      failed.tell(
        code,
        { code },
        'Metadata and state could not be looked after just now; trying again in a minute.',
      );
      await wait(lookAgain).catch(() => undefined);
    }
  }
}

/** Lets tables join that are new in the environment, and leave that are gone; the others go on. */
async function follow<T extends ScheduledTable>(
  options: DaemonOptions<T>,
  resolution: Resolution<T>,
  running: RunningTables,
): Promise<void> {
  const { mirror, choice, createJob, logger } = options;
  const before = new Set(running.names());
  const joining = resolution.tables.filter(({ name }) => !before.has(name));
  await registerTables(
    mirror.store,
    joining.map(({ name }) => name),
  );
  for (const table of joining) {
    running.add(createJob(table), table.schedule);
    logger.info({ table: table.name }, 'A new table of the environment is mirrored from now on.');
  }
  const present = new Set(resolution.tables.map(({ name }) => name));
  for (const name of before) {
    // One that is there but cannot be mirrored any more says so by its own runs.
    const isGone = !present.has(name) && !resolution.excluded.has(name) && !resolution.isIncomplete;
    if (isGone) await running.remove(name);
  }
  options.onTables?.(running.names());
  await tellRemoved(mirror.store, choice, resolution, logger);
}
