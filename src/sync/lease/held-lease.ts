import type { Logger } from 'pino';
import type { RequestCounts } from '../../dataverse/http/request-counts.ts';
import { releaseLease, type Lease, type AcquiredLease } from '../../mirror/lease/leases.ts';
import type { Mirror } from '../../mirror/mirror.ts';
import type { LeaseKeeper } from './lease-keeper.ts';
import { waitForLease } from './lease-wait.ts';

export interface LeaseParts {
  readonly mirror: Mirror;
  readonly leases: LeaseKeeper;
  readonly logger: Logger;
  /** Requests of the table since its last stored page are recorded when the lease is given back. */
  readonly requestCounts: RequestCounts;
  /** Told whom the run waits for. */
  readonly onWait?: (text: string) => void;
}

/** A table's lease. The process renews it until it gives it back. */
export interface HeldLease {
  /** The lease, and what the state says of the table. */
  readonly taken: AcquiredLease;
  /**
   * Gives the lease back. If that fails, the lease runs out by itself.
   *
   * @param isReleased whether the lease was already given back together with a checkpoint.
   */
  giveBack(isReleased?: boolean): Promise<void>;
}

/**
 * Takes a table's lease, after other work of this process that has it.
 *
 * @throws Failure `lease-held` when another process or other work keeps it, `table-paused`
 */
export async function holdLease(parts: LeaseParts, table: string, signal: AbortSignal): Promise<HeldLease> {
  const endTurn = await parts.leases.turn(table, signal);
  try {
    return await takenInTurn(parts, table, endTurn, signal);
  } catch (error) {
    endTurn();
    throw error;
  }
}

async function takenInTurn(
  parts: LeaseParts,
  table: string,
  endTurn: () => void,
  signal: AbortSignal,
): Promise<HeldLease> {
  const { mirror, leases, logger, requestCounts } = parts;
  const taken = await waitForLease(mirror, table, leases.holder, signal, logger, (holding) => {
    const text = leases.tellWait(table, holding);
    if (text !== undefined) parts.onWait?.(text);
  });
  leases.keep(taken.lease);
  return {
    taken,
    async giveBack(isReleased = false) {
      leases.drop(taken.lease);
      try {
        if (isReleased) return;
        const sent = requestCounts.of(table);
        if (await releaseLease(mirror.store, taken.lease, sent)) requestCounts.recorded(table, sent);
      } catch {
        logger.warn({ table }, 'The lease could not be released; it will run out by itself.');
      } finally {
        endTurn();
      }
    },
  };
}

/** Does `work` with a table's lease. @throws as `holdLease` does, and whatever `work` throws */
export async function withLease<T>(
  parts: LeaseParts,
  table: string,
  signal: AbortSignal,
  work: (lease: Lease) => Promise<T>,
): Promise<T> {
  const held = await holdLease(parts, table, signal);
  try {
    return await work(held.taken.lease);
  } finally {
    await held.giveBack();
  }
}
