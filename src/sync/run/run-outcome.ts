import type { Logger } from 'pino';
import { countQuarantined } from '../../mirror/quarantine/quarantined-rows.ts';
import { recordRemoval } from '../../mirror/state/known-tables.ts';
import { recordFailure, recordRun, type FailedRun } from '../../mirror/state/outcomes.ts';
import type { StateStore } from '../../mirror/state/store.ts';
import { type Failure, failureFields, toFailure } from '../../model/failure.ts';
import { LEFT_ALONE, type RunWatch, reachOf } from '../watch/outage-log.ts';
import type { RunProgress } from './run-progress.ts';

/** What became of a run. */
export interface RunResult extends RunProgress {
  readonly table: string;
  readonly milliseconds: number;
  readonly failure: Failure | null;
  /** The run found no place for the load that is due. What it did before is stored. */
  readonly deferred: boolean;
  /** The table has changed since this process's last run. Another process may have found that out. */
  readonly changed: boolean;
  /** Rows in quarantine now, also those of earlier runs. */
  readonly quarantined: number;
}

/** What records and tells how the runs of a table end. */
export interface OutcomeParts {
  readonly store: StateStore;
  /** The logger of the table. */
  readonly logger: Logger;
  readonly watch: RunWatch | undefined;
}

/** The number of rows of the table in quarantine, as far as the run and the state tell it. */
export async function quarantinedAfter(
  store: StateStore,
  table: string,
  progress: RunProgress,
): Promise<number> {
  const { quarantined, phase, rowsRead } = progress;
  // A delta without an entry, as most are, has put no row in and taken none out.
  if (quarantined !== undefined && phase === 'delta' && rowsRead === 0) return quarantined;
  try {
    return await countQuarantined(store, table);
  } catch {
    // The database cannot be asked now. The rows that this run quarantined are there at least.
    return progress.rowsQuarantined;
  }
}

/** Puts a failure into the state of the table. This is best effort, because the database itself may have failed. */
export async function recordTrouble(
  parts: OutcomeParts,
  table: string,
  failure: Failure,
  run: FailedRun,
): Promise<void> {
  const { store } = parts;
  // Which process writes a table, or that a person has paused it, is no trouble of the table.
  if (LEFT_ALONE.has(failure.code)) return;
  try {
    await recordFailure(store, table, failure, run);
    if (failure.code === 'table-not-found') await recordRemoval(store, table, failure);
  } catch (error) {
    tellUnrecorded(parts, table, error, 'The failure could not be recorded in the state table.');
  }
}

/** Puts a run into the state, unless it found nothing to do. Best effort. */
export async function recordResult(parts: OutcomeParts, result: RunResult): Promise<void> {
  const { table, phase, pages, rowsRead, rowsWritten, rowsDeleted, rowsQuarantined } = result;
  const isNoFailure = result.failure === null || result.failure.code === 'table-paused';
  if (isNoFailure && rowsRead === 0 && rowsDeleted === 0) return;
  try {
    await recordRun(parts.store, {
      table,
      phase,
      milliseconds: result.milliseconds,
      pages,
      rowsRead,
      rowsWritten,
      rowsDeleted,
      rowsQuarantined,
      errorCode: result.failure?.code ?? null,
    });
  } catch (error) {
    tellUnrecorded(parts, table, error, 'The run could not be recorded in the state table.');
  }
}

/** The state could not be written. While the database is away, the watch counts that for all tables together. */
function tellUnrecorded(
  { logger, watch }: OutcomeParts,
  table: string,
  error: unknown,
  message: string,
): void {
  const failure = toFailure(error);
  const { code } = failure;
  const loudness = reachOf(failure) !== 'table' ? watch?.failed(table, failure) : undefined;
  logger[loudness ?? 'warn']({ code }, message);
}

/** Tells the log and the watch what became of a run. */
export function tellResult({ logger, watch }: OutcomeParts, result: RunResult): void {
  // The child logger names the table.
  const { failure, deferred, table: _, changed: __, ...fields } = result;
  if (failure !== null) {
    const { code, remedy, message } = failure;
    const fault = code === 'unexpected' ? { err: failure.cause } : {};
    const entry = { ...fields, ...failureFields(failure), remedy, ...fault };
    // Which process writes a table is no error: the one that does tells how it goes.
    if (code === 'table-paused') {
      // The daemon goes on with its other tables. For a command of one pass it is a part of the result.
      logger[watch === undefined ? 'warn' : 'info'](entry, message);
      return;
    }
    const loudness = watch?.failed(result.table, failure) ?? (LEFT_ALONE.has(code) ? 'warn' : 'error');
    logger[loudness](entry, message);
    return;
  }
  if (deferred) {
    logger.debug('Other loads are under way; this one waits.');
    return;
  }
  watch?.succeeded(result.table);
  if (fields.rowsRead > 0 || fields.rowsDeleted > 0) logger.info(fields, summary(result));
  else logger.debug(fields, 'Nothing changed.');
}

function summary(result: RunResult): string {
  const { phase, rowsWritten, rowsDeleted, rowsQuarantined, milliseconds } = result;
  const parts = [`${rowsWritten} ${rowsWritten === 1 ? 'row' : 'rows'} written`, `${rowsDeleted} deleted`];
  if (rowsQuarantined > 0) parts.push(`${rowsQuarantined} quarantined`);
  return `${phase} of ${result.table}: ${parts.join(', ')} in ${(milliseconds / 1000).toFixed(1)} s.`;
}
