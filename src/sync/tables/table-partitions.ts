import type { Logger } from 'pino';
import type { Lease } from '../../mirror/lease/leases.ts';
import type { Mirror } from '../../mirror/mirror.ts';
import type { MirrorTable } from '../../mirror/table/mirror-table.ts';
import { failureFields, toFailure } from '../../model/failure.ts';
import { backOff } from '../../timing/back-off.ts';

/** Milliseconds until a move is tried again. Each try may copy the whole table. */
const REST = { first: 5 * 60_000, longest: 6 * 60 * 60_000 };

/** A mirror table as its preparation left it. */
interface Prepared {
  readonly mirror: MirrorTable;
  readonly move: 'must' | 'due' | 'no';
}

/**
 * Moves one mirror table when the configuration wants another number of partitions. The table goes on as it is if it
 * cannot be moved, because partitions change nothing about what the mirror says.
 */
export class TablePartitions {
  private readonly wanted: number | null;
  private readonly mirror: Mirror;
  private readonly logger: Logger;
  private trouble: { readonly failures: number; readonly retryAt: number } | undefined;

  /** @param wanted partitions; null for none. */
  constructor(wanted: number | null, mirror: Mirror, logger: Logger) {
    this.wanted = wanted;
    this.mirror = mirror;
    this.logger = logger;
  }

  /** Whether a move failed and has to be tried again now. */
  get isDue(): boolean {
    return this.trouble !== undefined && performance.now() >= this.trouble.retryAt;
  }

  /**
   * Moves the table if that is due.
   *
   * @returns whether it was moved. All its rows are then to be read again.
   * @throws the signal's reason if aborted; Failure `lease-lost`, because another process has the table now, and any
   *   failure of a move without which the table cannot go on.
   */
  async keep({ mirror, move }: Prepared, lease: Lease, signal: AbortSignal): Promise<boolean> {
    const { wanted, trouble } = this;
    const { logicalName: table } = mirror.table;
    if (move === 'no') {
      this.trouble = undefined;
      return false;
    }
    if (trouble !== undefined && !this.isDue && move !== 'must') return false;
    const into = wanted === null ? 'a table without partitions' : `${wanted} partitions`;
    try {
      this.logger.info({ table, partitions: wanted }, `Table ${table} is moved into ${into}.`);
      await this.mirror.movePartitions(mirror, wanted, lease, signal);
    } catch (error) {
      signal.throwIfAborted();
      const failure = toFailure(error);
      if (failure.code === 'lease-lost' || move === 'must') throw failure;
      const failures = (trouble?.failures ?? 0) + 1;
      this.trouble = { failures, retryAt: performance.now() + backOff(REST, failures) };
      this.logger[failures === 1 ? 'warn' : 'debug'](
        { table, ...failureFields(failure) },
        `Table ${table} could not be moved into ${into}. It goes on as it is, and the move is tried again by itself. ${failure.message}`,
      );
      return false;
    }
    this.trouble = undefined;
    this.logger.info(
      { table, partitions: wanted },
      `Table ${table} was moved into ${into}; its rows are compared with the source.`,
    );
    return true;
  }
}
