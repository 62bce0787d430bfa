import type { TableConfig } from '../../../config/config.ts';
import { failureFields, summaryOf } from '../../../model/failure.ts';
import { tellAgeingLinks } from '../../../sync/watch/link-age.ts';
import { tellRemoved } from '../../../sync/tables/removed-tables.ts';
import { FirstLook } from '../../../sync/tables/first-look.ts';
import { syncOnce } from '../../../sync/sync-once.ts';
import type { RunResult } from '../../../sync/run/run-outcome.ts';
import type { RunOptions } from '../../../sync/run/table-job.ts';
import { createLoadLog, MINUTELY } from '../../../sync/load/load-log.ts';
import type { LoadWatch } from '../../../sync/load/load-watch.ts';
import { readableNumber, readableSpan } from '../../../model/readable-figures.ts';
import type { Resolution } from '../../../sync/tables/table-resolution.ts';
import type { CommandContext } from '../../command.ts';
import { exitStatus, failureStatus } from '../../exit-status.ts';
import { FileWorker, type FilePass } from '../../../sync/files/file-worker.ts';
import { fittedTable } from '../../output.ts';
import { selectedTables } from '../../selected-tables.ts';
import { CommandSession } from '../../command-session.ts';
import { tableSettings } from '../../mirror-settings.ts';

export async function sync(context: CommandContext): Promise<number> {
  return CommandSession.use(context, async (session) => {
    const resolution = await session.resolution({ opensMirror: true });
    const pass = await syncTables(session, resolution, {}, createLoadLog(context.logger, MINUTELY));
    printPass(context, pass);
    return passStatus(context, pass);
  });
}

/** What a pass did to each table, and to the bodies of files; without the latter if nothing was to be fetched here. */
export interface Pass {
  readonly results: readonly RunResult[];
  readonly files: FilePass | undefined;
}

/** Makes one pass over the tables that the words of the command name, and then fetches the bodies of their files. */
export async function syncTables(
  session: CommandSession,
  resolution: Resolution<TableConfig>,
  options: RunOptions,
  loadWatch: LoadWatch,
): Promise<Pass> {
  const { config, words, signal, logger } = session.context;
  const tables = selectedTables(resolution, words);
  const mirror = await session.mirror(tables);
  if (words.length === 0) await tellRemoved(mirror.store, session.choice(), resolution, logger);
  const { store, environment } = mirror;
  const names = tables.map(({ name }) => name);
  await tellAgeingLinks(store, environment.linkLifeDays, names, logger);
  const shared = session.labels(mirror);
  return session.withLeases(mirror, async (leases) => {
    const settings = tables.map((table) => tableSettings(config, table));
    const firstLook = new FirstLook(
      { dataverse: session.dataverse(), mirror, holder: leases.holder },
      settings,
    );
    const jobs = tables.map((table) =>
      session.job(mirror, leases, table, { ...shared, firstLook, loadWatch }),
    );
    const results = await syncOnce(jobs, config.limits.tables, () => options, signal);
    await shared.labels?.makeViews();
    const parts = { dataverse: session.dataverse(), mirror, holder: leases.holder, logger };
    const worker = new FileWorker({ ...parts, ...session.fileWishes(), tables: () => settings });
    return { results, files: await worker.once(signal) };
  });
}

export function printPass(context: CommandContext, { results, files }: Pass): void {
  if (context.options['json'] === true) {
    const tables = results.map((result) => {
      const { failure, deferred: _, changed: __, requests: ___, ...entry } = result;
      const error = failure && summaryOf(failure);
      return { ...entry, error };
    });
    const { failure, ...counts } = files ?? { failure: null };
    const told = files === undefined ? {} : { files: { ...counts, error: failure && summaryOf(failure) } };
    context.print(JSON.stringify({ tables, ...told }, null, 2));
    return;
  }
  const rows = results.map((result) => [
    result.table,
    outcome(result),
    readableNumber(result.rowsWritten),
    readableNumber(result.rowsDeleted),
    readableNumber(result.quarantined),
    duration(result.milliseconds / 1000),
  ]);
  const headings = ['table', 'result', 'written', 'deleted', 'quarantined', 'time'];
  const form = { numbers: [2, 3, 4, 5], wraps: 1 };
  for (const line of fittedTable(headings, rows, form)) context.print(line);
  if (files !== undefined) context.print(fileLine(files));
}

function fileLine({ fetched, waiting, failed, failure }: FilePass): string {
  const parts = [
    `${readableNumber(fetched)} fetched`,
    ...(waiting === 0 ? [] : [`${readableNumber(waiting)} wait`]),
    ...(failed === 0 ? [] : [`${readableNumber(failed)} failed`]),
  ];
  return `files: ${parts.join(', ')}${failure === null ? '' : `; stopped: ${failure.code}`}`;
}

/** As for tables alone. A pass that could not store the bodies of files has not succeeded. */
export function passStatus(context: CommandContext, { results, files }: Pass): number {
  const status = exitStatus(context, results);
  const failure = files?.failure ?? null;
  if (failure === null) return status;
  context.logger.error(failureFields(failure), `Bodies of files are missing. ${failure.message}`);
  return Math.max(status, failureStatus(failure));
}

function outcome({ failure, quarantined }: RunResult): string {
  if (failure?.code === 'table-paused') return 'paused';
  if (failure !== null) return `failed: ${failure.code}`;
  return quarantined === 0 ? 'up to date' : 'rows in quarantine';
}

function duration(seconds: number): string {
  return seconds < 10 ? `${seconds.toFixed(1)} s` : readableSpan(seconds);
}
