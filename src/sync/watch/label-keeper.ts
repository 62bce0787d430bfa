import type { Logger } from 'pino';
import type { Dataverse } from '../../dataverse/dataverse.ts';
import { readLabels } from '../../dataverse/metadata/label-reader.ts';
import { isForNow } from '../../mirror/views/apply-views.ts';
import type { LabelStore } from '../../mirror/labels/label-store.ts';
import type { Lease } from '../../mirror/lease/leases.ts';
import { LogThrottle } from '../../log/log-throttle.ts';
import { Failure, toFailure } from '../../model/failure.ts';
import { sleep } from '../../timing/sleep.ts';
import { DATABASE_TROUBLES } from '../run/repairs.ts';
import { restAfter } from '../../timing/back-off.ts';

/** Milliseconds that the views of changed tables wait, so that views of more tables are made together. */
const GATHERING = 5_000;

/** Milliseconds that labels wait while the requests of a day are spent. The run that would read them is a delta. */
const PUT_OFF = 600_000;

/**
 * Keeps labels and views in step with the metadata. The preparation of a table stores its labels. Views of several
 * tables are made together some time later, because each new table changes the views of all tables that point at
 * it. A failure of either stops no table: it is logged, and the work is tried again.
 */
export class LabelKeeper {
  private labels: LabelStore | undefined;
  private readonly dataverse: Dataverse;
  private readonly logger: Logger;
  private details: boolean;
  private readonly failed: LogThrottle;
  private readonly viewsFailed: LogThrottle;
  private due = new Set<string>();
  // How many labels and names each view lacks, by the last log line about it.
  private readonly shortened = new Map<string, number>();
  // Tables whose labels could not be read or stored, and when to try again, by `performance.now()`.
  private readonly unread = new Map<string, { readonly failures: number; readonly retryAt: number }>();
  // How often in a row the views could not be made, and the rest before the next try.
  private trouble: { readonly failures: number; readonly rest: number } | undefined;

  /**
   * @param labels undefined if no labels are wanted for now.
   * @param details also read the precision and length of columns, which costs some requests for each table.
   */
  constructor(labels: LabelStore | undefined, dataverse: Dataverse, logger: Logger, details = false) {
    this.labels = labels;
    this.dataverse = dataverse;
    this.logger = logger;
    this.details = details;
    this.failed = new LogThrottle(logger);
    this.viewsFailed = new LogThrottle(logger, { quiet: Infinity });
  }

  /** Goes on with other labels and views; undefined for none. Tables that are prepared anew bring theirs. */
  change(labels: LabelStore | undefined, details: boolean): void {
    this.labels = labels;
    this.details = details;
    if (labels === undefined) this.due.clear();
  }

  /**
   * Brings the labels of a table up to date if they belong to another state of the metadata.
   *
   * @throws Failure `lease-lost`; the signal's reason if aborted.
   */
  async keep(table: string, lease: Lease, signal: AbortSignal): Promise<void> {
    const { client, metadata, budget } = this.dataverse;
    const { labels: store } = this;
    if (store === undefined) return;
    try {
      const { basis } = metadata;
      const state = await store.state(table);
      if (basis === undefined || state.basis !== basis) {
        if (budget.isDaySpent()) {
          this.unread.set(table, { failures: 0, retryAt: performance.now() + PUT_OFF });
          this.due.add(table);
          return;
        }
        const labels = await readLabels(client, metadata, table, signal, { details: this.details });
        await store.write(labels, basis ?? '', lease);
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
      // The views may have been dropped for a change of the table. They are made again with the stored labels.
      this.due.add(table);
      const { code, remedy } = toFailure(error);
      this.failed.tell(
        `${table} ${code}`,
        { table, code, remedy },
        `The labels of ${table} could not be brought up to date.`,
      );
    }
  }

  /** Whether the labels of a table could not be brought up to date, and it is time to try again. */
  isDue(table: string): boolean {
    const unread = this.unread.get(table);
    return unread !== undefined && performance.now() >= unread.retryAt;
  }

  /** Makes the views that are due. It never throws. It logs an obstacle that lasts only once. */
  async makeViews(): Promise<void> {
    if (this.due.size === 0 || this.labels === undefined) return;
    const tables = [...this.due];
    this.due = new Set();
    try {
      const { left, shortened = [] } = await this.labels.refreshViews(tables);
      for (const { view, ...why } of left) {
        this.viewsFailed.tell(view, { view, ...why }, `View ${view} was left as it is: ${why.reason}.`);
      }
      for (const { view, leftOut } of shortened) this.tellShortened(view, leftOut);
      if (left.some(isForNow)) {
        this.putOff(tables, { reaction: 'retry' });
      } else {
        this.trouble = undefined;
        this.viewsFailed.over();
      }
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
      `View ${view} has no room for ${length} labels and names, because a view has at most 1,600 columns. To make room, add columns to columns.exclude of its table.`,
    );
  }

  private putOff(tables: readonly string[], { reaction }: Pick<Failure, 'reaction'>): void {
    for (const table of tables) this.due.add(table);
    const failures = (this.trouble?.failures ?? 0) + 1;
    this.trouble = { failures, rest: restAfter({ reaction }, failures) };
  }

  /** Makes views when they become due, until aborted, and once more after that. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(Math.max(GATHERING, this.trouble?.rest ?? 0), signal).catch(() => undefined);
      await this.makeViews();
    }
  }
}

/** Labels that the database had no room for are tried again soon. Requests for labels are repeated less often. */
function beatOf(error: unknown): Pick<Failure, 'reaction'> {
  const failure = toFailure(error);
  return DATABASE_TROUBLES.includes(failure.code) ? failure : { reaction: 'stop-table' };
}
