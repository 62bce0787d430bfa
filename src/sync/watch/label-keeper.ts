import type { Logger } from 'pino';
import type { Dataverse } from '../../dataverse/dataverse.ts';
import { readLabels } from '../../dataverse/metadata/label-reader.ts';
import { isForNow } from '../../mirror/views/apply-views.ts';
import type { LabelStore } from '../../mirror/labels/label-store.ts';
import { postgresFailure } from '../../mirror/connection/sqlstate.ts';
import type { Lease } from '../../mirror/lease/leases.ts';
import { LogThrottle } from '../../log/log-throttle.ts';
import { Failure, toFailure } from '../../model/failure.ts';
import { sleep } from '../../timing/sleep.ts';
import { DATABASE_TROUBLES } from '../run/recovery.ts';
import { restAfter } from '../schedule/failure-rest.ts';

/** Milliseconds the views of altered tables wait for others to be made along with. */
const GATHERING = 5_000;

/**
 * Keeps labels and views in step with the metadata. Labels belong to their table's preparation; views
 * follow together some time later, since each table that joins changes the views of all that point at
 * it. Neither is ever a reason to stop a table: what fails is told and tried again.
 */
export class LabelKeeper {
  private readonly labels: LabelStore;
  private readonly dataverse: Dataverse;
  private readonly logger: Logger;
  private readonly details: boolean;
  private readonly failed: LogThrottle;
  private readonly viewsFailed: LogThrottle;
  private due = new Set<string>();
  // How many labels and names views lack, as it was told.
  private readonly shortened = new Map<string, number>();
  // Tables whose labels could not be read or stored, and when to try again, by `performance.now()`.
  private readonly unread = new Map<string, { readonly failures: number; readonly retryAt: number }>();
  // How often in a row the views could not be made, and the rest after that.
  private trouble: { readonly failures: number; readonly rest: number } | undefined;

  /** @param details precision and length of columns are wanted too, at some requests a table. */
  constructor(labels: LabelStore, dataverse: Dataverse, logger: Logger, details = false) {
    this.labels = labels;
    this.dataverse = dataverse;
    this.logger = logger;
    this.details = details;
    this.failed = new LogThrottle(logger);
    this.viewsFailed = new LogThrottle(logger, { quiet: Infinity });
  }

  /**
   * Brings a table's labels up to date, if the metadata's version is not the one they were read under.
   *
   * @throws Failure `lease-lost`; the signal's reason when aborted.
   */
  async keep(table: string, lease: Lease, signal: AbortSignal): Promise<void> {
    const { client, metadata } = this.dataverse;
    try {
      const { version } = metadata;
      const state = await this.labels.state(table);
      if (version === undefined || state.version !== version) {
        const labels = await readLabels(client, metadata, table, signal, { details: this.details });
        await this.labels.write(labels, version ?? '', lease);
      } else if (!state.viewsDue) {
        this.unread.delete(table);
        return;
      }
      this.unread.delete(table);
      this.due.add(table);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Failure && error.code === 'lease-lost') throw error;
      const failures = (this.unread.get(table)?.failures ?? 0) + 1;
      this.unread.set(table, { failures, retryAt: performance.now() + restAfter(beatOf(error), failures) });
      // Its views may have made way for a change of the table: they come back with the labels that are stored.
      this.due.add(table);
      const { code, remedy } = toFailure(postgresFailure(error));
      this.failed.tell(
        `${table} ${code}`,
        { table, code, remedy },
        `The labels of ${table} could not be brought up to date.`,
      );
    }
  }

  /** Whether a table's labels could not be brought up to date, and it is time to try again. */
  isDue(table: string): boolean {
    const unread = this.unread.get(table);
    return unread !== undefined && performance.now() >= unread.retryAt;
  }

  /** Makes the views that are due. It never throws, and tells once what goes on to be in the way. */
  async makeViews(): Promise<void> {
    if (this.due.size === 0) return;
    const tables = [...this.due];
    this.due = new Set();
    try {
      const { left, shortened = [] } = await this.labels.refreshViews(tables);
      for (const { view, ...why } of left) {
        this.viewsFailed.tell(view, { view, ...why }, `View ${view} was left as it is: ${why.reason}.`);
      }
      for (const { view, leftOut } of shortened) this.tellShortened(view, leftOut);
      if (left.some(isForNow)) this.putOff(tables, { reaction: 'retry' });
      else this.madeViews();
    } catch (error) {
      const failure = toFailure(error);
      const { code, remedy } = failure;
      this.viewsFailed.tell(code, { code, remedy }, 'The views with labels could not be made.');
      this.putOff(tables, failure);
    }
  }

  private tellShortened(view: string, leftOut: readonly string[]): void {
    if (this.shortened.get(view) === leftOut.length) return;
    this.shortened.set(view, leftOut.length);
    const { length } = leftOut;
    this.logger.warn(
      { view, leftOut },
      `View ${view} has no room for ${length} labels and names: a view has 1,600 columns at most. Name columns in columns.exclude of its table to make room.`,
    );
  }

  private madeViews(): void {
    this.trouble = undefined;
    this.viewsFailed.over();
  }

  private putOff(tables: readonly string[], { reaction }: Pick<Failure, 'reaction'>): void {
    for (const table of tables) this.due.add(table);
    const failures = (this.trouble?.failures ?? 0) + 1;
    this.trouble = { failures, rest: restAfter({ reaction }, failures) };
  }

  /** Makes views as they fall due, until aborted, and once more then. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(Math.max(GATHERING, this.trouble?.rest ?? 0), signal).catch(() => undefined);
      await this.makeViews();
    }
  }
}

/** What the database has no room for is stored once it has; requests for labels are not made so often. */
function beatOf(error: unknown): Pick<Failure, 'reaction'> {
  const failure = toFailure(postgresFailure(error));
  return DATABASE_TROUBLES.has(failure.code) ? failure : { reaction: 'stop-table' };
}
