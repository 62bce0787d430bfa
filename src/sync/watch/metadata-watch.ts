import type { Logger } from 'pino';
import type { Dataverse } from '../../dataverse/dataverse.ts';
import type { Mirror } from '../../mirror/mirror.ts';
import { leaveTable } from '../../mirror/lease/polled-elsewhere.ts';
import { pruneRuns } from '../../mirror/state/outcomes.ts';
import { LogThrottle } from '../../log/log-throttle.ts';
import { toFailure } from '../../model/failure.ts';
import { sleep } from '../../timing/sleep.ts';
import type { TableJob } from '../run/table-job.ts';
import type { RunningTables } from '../schedule/running-tables.ts';
import { hasPatterns, readResolution } from '../tables/read-resolution.ts';
import { tellRemoved } from '../tables/removed-tables.ts';
import {
  isMeantByPattern,
  type Resolution,
  type TableChoice,
  type TableEntry,
} from '../tables/table-resolution.ts';
import { lookAtEnvironment } from './environment-watch.ts';
import { tellAgeingLinks } from './link-age.ts';

export interface ScheduledTable extends TableEntry {
  /** Cron expression, or `adaptive`. */
  readonly schedule: string;
}

export interface MetadataWatchOptions<T extends ScheduledTable> {
  readonly dataverse: Dataverse;
  readonly mirror: Mirror;
  /** The configured tables. What their patterns mean changes with the environment, and a reload changes them all. */
  readonly choice: () => TableChoice<T>;
  /** Calls `listener` after each change of the configuration, until the signal is aborted. */
  readonly onReconfigured?: (listener: () => void, signal: AbortSignal) => void;
  /** What the configuration means at the start; the mirror was opened with these tables. */
  readonly resolution: Resolution<T>;
  readonly createJob: (table: T) => TableJob;
  /** Called with the tables at work, at the start and whenever tables join or leave. */
  readonly onTables?: (names: readonly string[]) => void;
  readonly logger: Logger;
  /** Milliseconds between two looks at the metadata, if no change comes earlier; an hour. */
  readonly lookEvery?: number;
  /** Milliseconds before the next look after a failed one; a minute. */
  readonly lookAgain?: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/**
 * Reads metadata again every hour, and at once when an answer reports a change. It lets tables join and leave
 * accordingly, also after a change of the configuration, and tidies the state. Every hour it also checks which organization answers at the environment's
 * address, and how old the delta links are.
 */
export async function watchMetadata<T extends ScheduledTable>(
  options: MetadataWatchOptions<T>,
  running: RunningTables,
  signal: AbortSignal,
): Promise<void> {
  const { dataverse, mirror, logger, lookEvery = HOUR, lookAgain = MINUTE } = options;
  let changes = 0;
  let followed = 0;
  const wait = waitForChange((listener) => {
    dataverse.metadata.onChange(listener, signal);
    options.onReconfigured?.(() => {
      changes++;
      listener();
    }, signal);
  }, signal);
  let due = performance.now() + lookEvery;
  let resolution: Resolution<T> | undefined = options.resolution;
  let agesAreDue = true;
  const failed = new LogThrottle(logger);
  while (!signal.aborted) {
    try {
      const current = changes;
      if (current !== followed) resolution = undefined;
      if (hasPatterns(options.choice()) || current !== followed) {
        resolution ??= await readResolution(dataverse, options.choice(), signal);
        await follow(options, resolution, running);
        followed = current;
      }
      const isIncomplete = resolution?.isIncomplete === true;
      resolution = undefined;
      if (agesAreDue) {
        await tellAgeingLinks(mirror.store, mirror.environment.linkLifeDays, running.names(), logger);
      }
      agesAreDue = false;
      // If some tables had no readable name, the environment is asked again soon.
      await wait(Math.min(isIncomplete ? lookAgain : Infinity, Math.max(0, due - performance.now())));
      if (performance.now() < due) continue;
      const { replaced } = await lookAtEnvironment(dataverse, mirror, logger, signal);
      // This comes after the request, so that a failed request is repeated in a minute.
      due = performance.now() + lookEvery;
      agesAreDue = true;
      dataverse.metadata.forget();
      if (replaced !== undefined) await dataverse.metadata.restart();
      await pruneRuns(mirror.store);
    } catch (error) {
      if (signal.aborted) return;
      // A change may end the wait below early, and the next look must contain that change.
      resolution = undefined;
      const { code } = toFailure(error);
      failed.tell(
        code,
        { code },
        'The hourly look at metadata and state failed. mirrorverse tries again in a minute.',
      );
      await wait(lookAgain).catch(() => undefined);
    }
  }
}

/**
 * Starts tables that are new in the environment or in the configuration, stops tables that are gone, and starts
 * tables with new settings again. The others go on.
 */
async function follow<T extends ScheduledTable>(
  options: MetadataWatchOptions<T>,
  resolution: Resolution<T>,
  running: RunningTables,
): Promise<void> {
  const { mirror, createJob, logger } = options;
  const choice = options.choice();
  const before = new Set(running.names());
  const present = new Set(resolution.tables.map(({ name }) => name));
  const gone = [...before].filter((name) => !present.has(name) && isGone(name, choice, resolution));
  const starting = resolution.tables
    .map((table) => ({ table, job: createJob(table) }))
    .filter(({ table, job }) => !running.isRunning(job, table.schedule));
  if (starting.length > 0) await mirror.register(starting.map(({ table }) => table.name));
  // A table that leaves or changes ends its run after the page under way.
  await Promise.all(
    [...gone, ...starting.map(({ table }) => table.name)].map(async (name) => running.remove(name)),
  );
  for (const { table, job } of starting) {
    running.add(job, table.schedule);
    const [as, message] = before.has(table.name)
      ? (['changed', `Table ${table.name} goes on with its new settings.`] as const)
      : (['joined', `Table ${table.name} is mirrored from now on.`] as const);
    logger.info({ table: table.name, as }, message);
  }
  for (const table of gone) logger.info({ table, as: 'left' }, `Table ${table} is not mirrored any more.`);
  options.onTables?.(running.names());
  await tellRemoved(mirror.store, choice, resolution, logger);
  for (const name of gone) await leaveTable(mirror.store, name);
}

/** Whether a table that runs has left the configuration or the environment. */
function isGone<T extends ScheduledTable>(
  name: string,
  choice: TableChoice<T>,
  { excluded, isIncomplete }: Resolution<T>,
): boolean {
  const isMeant = isMeantByPattern(choice, name);
  // A table that is there but cannot be mirrored any more keeps running, and its runs say why.
  return !isMeant || (!excluded.has(name) && !isIncomplete);
}

/**
 * Watches for changes, from now until the signal.
 *
 * @param subscribe lets a listener be called at each change.
 * @returns a function that waits for some milliseconds. A change ends the wait early, and each change ends one
 *   wait at most. The wait rejects with the signal's reason if aborted.
 */
function waitForChange(
  subscribe: (listener: () => void) => void,
  signal: AbortSignal,
): (milliseconds: number) => Promise<void> {
  let nap = new AbortController();
  subscribe(() => nap.abort());
  return async (milliseconds) => {
    try {
      await sleep(milliseconds, AbortSignal.any([signal, nap.signal]));
    } catch {
      signal.throwIfAborted();
    }
    if (nap.signal.aborted) nap = new AbortController();
  };
}
