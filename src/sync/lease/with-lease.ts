import type { Logger } from 'pino';
import type { Mirror } from '../../mirror/mirror.ts';
import { releaseLease, type Lease } from '../../mirror/lease/leases.ts';
import type { LeaseKeeper } from './lease-keeper.ts';
import { waitForLease } from './lease-wait.ts';
import type { RequestMeter } from '../run/request-meter.ts';

export interface LeaseParts {
  readonly mirror: Mirror;
  readonly leases: LeaseKeeper;
  readonly logger: Logger;
  /** Of the table's requests; without it none go on record. */
  readonly requests?: RequestMeter;
}

/**
 * Runs `work` with a table's lease, which is kept while it lasts and given back after.
 *
 * @throws Failure `lease-held` when another process keeps it, and whatever `work` throws.
 */
export async function withLease<T>(
  parts: LeaseParts,
  table: string,
  signal: AbortSignal,
  work: (lease: Lease) => Promise<T>,
): Promise<T> {
  const { mirror, leases } = parts;
  const { lease } = await waitForLease(mirror, table, leases.holder, signal, parts.logger);
  leases.keep(lease);
  try {
    return await work(lease);
  } finally {
    leases.drop(lease);
    await giveBack(parts, lease);
  }
}

/** Gives a lease back, with the requests since the last stored page, or says that it has to run out. */
export async function giveBack(
  { mirror, logger, requests }: Omit<LeaseParts, 'leases'>,
  lease: Lease,
): Promise<void> {
  try {
    const sent = requests?.sent() ?? 0;
    if (await releaseLease(mirror.store, lease, sent)) requests?.recorded(sent);
  } catch {
    logger.warn({ table: lease.table }, 'The lease could not be released; it will run out by itself.');
  }
}
