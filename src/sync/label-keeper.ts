import type { Logger } from 'pino';
import type { Dataverse } from '../dataverse/dataverse.ts';
import { readLabels } from '../dataverse/labels.ts';
import { isInUse } from '../mirror/labels/apply-views.ts';
import type { LabelStore } from '../mirror/labels/label-store.ts';
import type { Lease } from '../mirror/state/leases.ts';
import { createBursts, fieldsOf } from '../model/burst.ts';
import { Failure, toFailure } from '../model/failure.ts';
import { sleep } from '../model/sleep.ts';
import { restAfter } from './schedule-delay.ts';

/** Milliseconds the views of altered tables wait for others to be made along with. */
const GATHERING = 5_000;
/** The trouble of views that somebody is reading. */
const VIEWS_IN_USE = 'views-in-use';

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
  private readonly failed = createBursts();
  private due = new Set<string>();
  // Why the views could not be made the last times, in a row.
  private trouble: { readonly code: string; readonly failures: number; readonly rest: number } | undefined;

  /** @param details precision and length of columns are wanted too, at some requests a table. */
  constructor(labels: LabelStore, dataverse: Dataverse, logger: Logger, details = false) {
    this.labels = labels;
    this.dataverse = dataverse;
    this.logger = logger;
    this.details = details;
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
        return;
      }
      this.due.add(table);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Failure && error.code === 'lease-lost') throw error;
      // Its views may have made way for a change of the table: they come back with the labels that are stored.
      this.due.add(table);
      const { code, remedy } = toFailure(error);
      const again = this.failed(`${table} ${code}`);
      const entry = { table, code, remedy, ...fieldsOf(again) };
      this.logger[again.isTold ? 'warn' : 'debug'](
        entry,
        `The labels of ${table} could not be brought up to date.`,
      );
    }
  }

  /** Makes the views that are due. It never throws, and tells once what goes on to be in the way. */
  async makeViews(): Promise<void> {
    if (this.due.size === 0) return;
    const tables = [...this.due];
    this.due = new Set();
    try {
      const { left } = await this.labels.refreshViews(tables);
      for (const { view, ...why } of left) {
        if (isInUse(why) && this.trouble?.code === VIEWS_IN_USE) continue;
        this.logger.warn({ view, ...why }, `View ${view} was left as it is: ${why.reason}.`);
      }
      if (left.some(isInUse)) this.putOff(tables, { code: VIEWS_IN_USE, reaction: 'retry' });
      else this.trouble = undefined;
    } catch (error) {
      const failure = toFailure(error);
      const { code, remedy } = failure;
      if (this.trouble?.code !== code) {
        this.logger.warn({ code, remedy }, 'The views with labels could not be made.');
      }
      this.putOff(tables, failure);
    }
  }

  private putOff(tables: readonly string[], { code, reaction }: Pick<Failure, 'code' | 'reaction'>): void {
    for (const table of tables) this.due.add(table);
    const failures = (this.trouble?.failures ?? 0) + 1;
    this.trouble = { code, failures, rest: restAfter({ reaction }, failures) };
  }

  /** Makes views as they fall due, until aborted, and once more then. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(Math.max(GATHERING, this.trouble?.rest ?? 0), signal).catch(() => undefined);
      await this.makeViews();
    }
  }
}
