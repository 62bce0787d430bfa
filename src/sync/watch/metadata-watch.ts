import type { Logger } from 'pino';
import type { Dataverse } from '../../dataverse/dataverse.ts';
import type { Metadata } from '../../dataverse/metadata/metadata.ts';
import { registerTables } from '../../mirror/lease/leases.ts';
import type { Mirror } from '../../mirror/mirror.ts';
import { pruneRuns } from '../../mirror/state/outcomes.ts';
import { LogThrottle } from '../../log/log-throttle.ts';
import { toFailure } from '../../model/failure.ts';
import { sleep } from '../../timing/sleep.ts';
import type { TableJob } from '../run/table-job.ts';
import type { RunningTables } from '../schedule/running-tables.ts';
import { hasPatterns, readResolution } from '../tables/read-resolution.ts';
import { tellRemoved } from '../tables/removed-tables.ts';
import type { Resolution, TableChoice, TableEntry } from '../tables/table-resolution.ts';
import { lookAtEnvironment } from './environment-watch.ts';
import { tellAgeingLinks } from './link-age.ts';

export interface ScheduledTable extends TableEntry {
  /** Cron expression, or `adaptive`. */
  readonly schedule: string;
}

export interface MetadataWatchOptions<T extends ScheduledTable> {
  readonly dataverse: Dataverse;
  readonly mirror: Mirror;
  /** The configured tables. What their patterns mean changes with the environment. */
  readonly choice: TableChoice<T>;
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
 * accordingly, and tidies the state. Every hour it also checks which organization answers at the environment's
 * address, and how old the delta links are.
 */
export async function watchMetadata<T extends ScheduledTable>(
  options: MetadataWatchOptions<T>,
  running: RunningTables,
  signal: AbortSignal,
): Promise<void> {
  const { dataverse, mirror, choice, logger, lookEvery = HOUR, lookAgain = MINUTE } = options;
  const wait = waitForChange(dataverse.metadata, signal);
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

/** Starts tables that are new in the environment, and stops tables that are gone. The others go on. */
async function follow<T extends ScheduledTable>(
  options: MetadataWatchOptions<T>,
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
    // A table that is there but cannot be mirrored any more keeps running, and its runs say why.
    const isGone = !present.has(name) && !resolution.excluded.has(name) && !resolution.isIncomplete;
    if (isGone) await running.remove(name);
  }
  options.onTables?.(running.names());
  await tellRemoved(mirror.store, choice, resolution, logger);
}

/**
 * Watches for changes of the environment's metadata, from now until the signal.
 *
 * @returns a function that waits for some milliseconds. A change ends the wait early, and each change ends one
 *   wait at most. The wait rejects with the signal's reason if aborted.
 */
function waitForChange(metadata: Metadata, signal: AbortSignal): (milliseconds: number) => Promise<void> {
  let nap = new AbortController();
  metadata.onChange(() => nap.abort(), signal);
  return async (milliseconds) => {
    try {
      await sleep(milliseconds, AbortSignal.any([signal, nap.signal]));
    } catch {
      signal.throwIfAborted();
    }
    if (nap.signal.aborted) nap = new AbortController();
  };
}
