import type { Logger } from 'pino';
import type { Mirror } from '../../mirror/mirror.ts';
import type { MirrorTable } from '../../mirror/table/mirror-table.ts';
import { failureFields, toFailure } from '../../model/failure.ts';
import { restAfter } from '../../timing/back-off.ts';
import { withLease, type LeaseParts } from '../lease/held-lease.ts';
import type { PreparedIndexes } from './table-preparation.ts';

/**
 * Keeps the indexes on the lookups of one mirror table in step with its columns and with the configuration. It looks
 * after a run that prepared the table and loaded all rows, because a load into a table without indexes is faster.
 */
export class TableIndexes {
  private readonly wanted: boolean;
  private readonly mirror: Mirror;
  private readonly leaseParts: LeaseParts;
  private readonly logger: Logger;
  /** The mirror table whose indexes are as wanted. */
  private kept: MirrorTable | undefined;
  private trouble: { readonly failures: number; readonly retryAt: number } | undefined;

  constructor(wanted: boolean, mirror: Mirror, leaseParts: LeaseParts, logger: Logger) {
    this.wanted = wanted;
    this.mirror = mirror;
    this.leaseParts = leaseParts;
    this.logger = logger;
  }

  /**
   * Makes the indexes that are missing and drops those that nobody wants. The table goes on without them if they
   * cannot be made.
   *
   * @param prepared the table as its last preparation left it; undefined if this process has not prepared it.
   * @throws the signal's reason if aborted.
   */
  async keep(prepared: PreparedIndexes | undefined, signal: AbortSignal): Promise<void> {
    if (prepared === undefined || prepared.mirror === this.kept) return;
    if (!this.wanted && !prepared.hasOurIndexes) return;
    const { trouble, mirror } = this;
    if (trouble !== undefined && performance.now() < trouble.retryAt) return;
    const { logicalName: table } = prepared.mirror.table;
    try {
      const changes = await withLease(this.leaseParts, table, signal, async (lease) =>
        mirror.changeIndexes(prepared.mirror, this.wanted, lease, signal),
      );
      const told = changes.map(({ kind, index }) => `${index} ${kind === 'make' ? 'made' : 'dropped'}`);
      if (told.length > 0) {
        this.logger.info({ table, indexes: told }, `Indexes on lookups of ${table}: ${told.join(', ')}.`);
      }
      this.kept = prepared.mirror;
      this.trouble = undefined;
    } catch (error) {
      signal.throwIfAborted();
      const failure = toFailure(error);
      const failures = (trouble?.failures ?? 0) + 1;
      this.trouble = { failures, retryAt: performance.now() + restAfter(failure, failures) };
      this.logger[failures === 1 ? 'warn' : 'debug'](
        { table, ...failureFields(failure) },
        `The indexes on lookups of ${table} could not be changed. The table goes on without, and it is tried again by itself. ${failure.message}`,
      );
    }
  }
}
