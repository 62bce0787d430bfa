import type { Logger } from 'pino';
import { createChangeFeed } from '../dataverse/change-feed.ts';
import { explained } from '../dataverse/change-tracking.ts';
import type { Dataverse } from '../dataverse/dataverse.ts';
import type { Mirror } from '../mirror/mirror.ts';
import type { MirrorTable } from '../mirror/mirror-table.ts';
import type { Lease, Taken } from '../mirror/state/leases.ts';
import { releaseLease } from '../mirror/state/leases.ts';
import { recordFailure, recordRun } from '../mirror/state/outcomes.ts';
import { NEW_CHECKPOINT } from '../model/checkpoint.ts';
import { toFailure, type Failure } from '../model/failure.ts';
import { selectionOf, type Table } from '../model/table.ts';
import type { LeaseKeeper } from './lease-keeper.ts';
import { waitForLease } from './lease-wait.ts';
import { runPass, type PassProgress } from './pass.ts';
import { startingPoint } from './starting-point.ts';
import { withSelectedColumns, type ColumnSelection } from './table-selection.ts';

/** A configured table. */
export interface TableSettings {
  readonly name: string;
  readonly mode: 'changes' | 'snapshot';
  readonly columns: ColumnSelection;
  /** Tells the hash key in use from any other; absent where there is none. */
  readonly hashKeyId?: string;
  readonly softDeletes: boolean;
  readonly pageSize: number;
}

export interface RunOptions {
  /** Re-baseline, whatever the checkpoint says. */
  readonly restart?: boolean;
  /**
   * When the run fell due, by `performance.now()`: there is nothing to do when another process has
   * brought the table up to date since.
   */
  readonly dueAt?: number;
  readonly onPage?: (progress: PassProgress) => void;
}

export interface RunResult extends PassProgress {
  readonly table: string;
  readonly milliseconds: number;
  readonly failure: Failure | null;
}

/** The job of one table; a run of it brings the table up to date. */
export class TableJob {
  readonly settings: TableSettings;
  private readonly dataverse: Dataverse;
  private readonly mirror: Mirror;
  private readonly leases: LeaseKeeper;
  private readonly logger: Logger;
  // The mirror table as this process last prepared it, for the definition it was prepared from.
  private prepared: { readonly definition: Table; readonly mirror: MirrorTable } | undefined;

  constructor(
    settings: TableSettings,
    parts: {
      readonly dataverse: Dataverse;
      readonly mirror: Mirror;
      readonly leases: LeaseKeeper;
      readonly logger: Logger;
    },
  ) {
    this.settings = settings;
    this.dataverse = parts.dataverse;
    this.mirror = parts.mirror;
    this.leases = parts.leases;
    this.logger = parts.logger.child({ table: settings.name });
  }

  /**
   * One run. It never throws for what happens to the table: the result says so, the state table
   * records it, and other tables go on.
   *
   * @throws the signal's reason when aborted; the page under way is finished or rolled back first.
   */
  async run(options: RunOptions, signal: AbortSignal): Promise<RunResult> {
    const startedAt = new Date();
    const start = performance.now();
    const progress: PassProgress = {
      phase: 'new',
      pages: 0,
      rowsRead: 0,
      rowsWritten: 0,
      rowsDeleted: 0,
      rowsQuarantined: 0,
    };
    let failure: Failure | null = null;
    try {
      await this.underLease(options, progress, signal);
    } catch (error) {
      signal.throwIfAborted();
      failure = toFailure(error);
      await this.failed(failure);
    }
    const milliseconds = Math.round(performance.now() - start);
    const result = { table: this.settings.name, ...progress, milliseconds, failure };
    await this.record(result, startedAt);
    this.report(result);
    return result;
  }

  private async underLease(options: RunOptions, progress: PassProgress, signal: AbortSignal): Promise<void> {
    const { mirror, settings } = this;
    const taken = await waitForLease(mirror, settings.name, this.leases.holder, signal);
    this.leases.keep(taken.lease);
    let givenBack = false;
    try {
      // Two spans of time rather than two moments: the clocks here and in the database may differ.
      const waited = options.dueAt === undefined ? 0 : performance.now() - options.dueAt;
      const age = taken.successAge;
      // Below zero the database's clock was set back, and says nothing.
      if (age !== null && age >= 0 && age < waited) return;
      await this.pass(taken, options, progress, signal);
      // With the checkpoint of its last page.
      givenBack = true;
    } finally {
      this.leases.drop(taken.lease);
      if (!givenBack) await this.release(taken.lease);
    }
  }

  private async pass(
    taken: Taken,
    options: RunOptions,
    progress: PassProgress,
    signal: AbortSignal,
  ): Promise<void> {
    const { settings, dataverse } = this;
    const definition = await dataverse.metadata.table(settings.name, signal, settings.mode);
    const wanted = withSelectedColumns(definition, settings.columns, settings.hashKeyId);
    let stored = taken.checkpoint;
    let hasRows = true;
    if (this.prepared?.definition !== definition) {
      const prepared = await this.mirror.prepare(wanted, settings.softDeletes, taken.lease, { definition });
      this.prepared = { definition, mirror: prepared.mirror };
      if (prepared.created) stored = NEW_CHECKPOINT;
      else if (prepared.refills) stored = { ...stored, selection: null };
      hasRows = prepared.hasRows;
    }
    const { table } = this.prepared.mirror;
    const writer = this.mirror.writer(this.prepared.mirror, taken.lease);
    if (stored.phase === 'rebaseline' && !(await writer.hasSeenKeys()))
      stored = { ...stored, selection: null };
    const start = startingPoint(stored, selectionOf(table), { restart: options.restart === true, hasRows });
    progress.phase = start.phase;
    try {
      const passOptions = {
        feed: createChangeFeed(dataverse.client, table, settings.pageSize, (version) =>
          dataverse.metadata.observe(version),
        ),
        writer,
        start,
        progress,
        ...(options.onPage === undefined ? {} : { onPage: options.onPage }),
        logger: this.logger,
      };
      await explained(dataverse, settings.name, signal, async () => runPass(passOptions, signal));
    } finally {
      await writer.close();
    }
  }

  /** What this process believed of table and mirror may be what was wrong: look again next time. */
  private async failed(failure: Failure): Promise<void> {
    this.prepared = undefined;
    if (failure.reaction === 'stop-table') this.dataverse.metadata.forget(this.settings.name);
    // Which process writes a table is no trouble of the table: the one that does tells how it goes.
    if (failure.code === 'lease-held' || failure.code === 'lease-lost') return;
    try {
      await recordFailure(this.mirror.store, this.settings.name, failure);
    } catch {
      this.logger.warn({ code: failure.code }, 'The failure could not be recorded in the state table.');
    }
  }

  private async release(lease: Lease): Promise<void> {
    try {
      await releaseLease(this.mirror.store, lease);
    } catch {
      this.logger.warn('The lease could not be released; it will run out by itself.');
    }
  }

  private async record(result: RunResult, startedAt: Date): Promise<void> {
    const { table, phase, pages, rowsRead, rowsWritten, rowsDeleted, rowsQuarantined } = result;
    if (result.failure === null && rowsRead === 0 && rowsDeleted === 0) return;
    try {
      await recordRun(this.mirror.store, {
        table,
        phase,
        startedAt,
        pages,
        rowsRead,
        rowsWritten,
        rowsDeleted,
        rowsQuarantined,
        errorCode: result.failure?.code ?? null,
      });
    } catch {
      this.logger.warn('The run could not be recorded in the state table.');
    }
  }

  private report(result: RunResult): void {
    // The child logger names the table.
    const { failure, table: _, ...fields } = result;
    if (failure !== null) {
      const { code, remedy, details, message } = failure;
      const fault = code === 'unexpected' ? { err: failure.cause } : {};
      this.logger.error({ ...fields, ...details, code, remedy, ...fault }, message);
    } else if (fields.rowsRead > 0 || fields.rowsDeleted > 0) {
      this.logger.info(fields, summary(result));
    } else {
      this.logger.debug(fields, 'Nothing changed.');
    }
  }
}

function summary(result: RunResult): string {
  const { phase, rowsWritten, rowsDeleted, rowsQuarantined, milliseconds } = result;
  const parts = [`${rowsWritten} ${rowsWritten === 1 ? 'row' : 'rows'} written`, `${rowsDeleted} deleted`];
  if (rowsQuarantined > 0) parts.push(`${rowsQuarantined} quarantined`);
  return `${phase} of ${result.table}: ${parts.join(', ')} in ${(milliseconds / 1000).toFixed(1)} s.`;
}
