import type { Logger } from 'pino';
import type { Mirror } from '../../mirror/mirror.ts';
import { readWishesOf, tablePaused } from '../../mirror/control/pauses.ts';
import {
  readHolding,
  registerTables,
  takeLease,
  type AcquiredLease,
  type Holding,
} from '../../mirror/lease/leases.ts';
import {
  endStandingSession,
  findStandingSession,
  type StandingSession,
} from '../../mirror/lease/standing-session.ts';
import { Failure } from '../../model/failure.ts';
import { sleep } from '../../timing/sleep.ts';

/** Lease durations that one waits for a lease. */
export const PATIENCE = 1.5;
const LONGEST_POLL = 1_000;
/** Milliseconds of waiting after which somebody may want to know what for. */
const TOLD_AFTER = 2_000;

/**
 * Takes the lease of a table. It waits for as long as the lease of a killed holder may still last.
 *
 * A holder that stands still in the middle of a page keeps the state row of the table locked. If its lease has run
 * out, and its database session has done nothing for the time of a whole lease, that database session is ended.
 *
 * @param onWait told once, after two seconds, who holds the lease.
 * @throws Failure `lease-held` if another process keeps the lease; `table-paused` if a person has paused the table, also
 *   while this function waits.
 */
export async function waitForLease(
  mirror: Mirror,
  table: string,
  holder: string,
  signal: AbortSignal,
  logger?: Logger,
  onWait?: (holding: Holding) => void,
): Promise<AcquiredLease> {
  const { store, options } = mirror;
  const { leaseDuration } = options;
  const begun = performance.now();
  let isTold = false;
  let deadline: number | undefined;
  let standing: Standing | undefined;
  for (;;) {
    signal.throwIfAborted();
    const taken = await takeLease(store, table, holder, leaseDuration);
    if (taken !== null) return taken;
    const wishes = await readWishesOf(store, table);
    if (wishes?.isPaused === true) throw tablePaused(table, wishes);
    deadline ??= performance.now() + (await longestWait(mirror, table));
    if (!isTold && performance.now() - begun >= TOLD_AFTER) {
      isTold = true;
      onWait?.(await readHolding(store, table));
    }
    const seen = await findStandingSession(store, table);
    standing = stillStanding(standing, seen, performance.now());
    // A holder that stands still is watched until the end, for the time of one lease.
    if (performance.now() > deadline && (standing === undefined || standing.looks < 2))
      throw leaseHeld(table);
    if (standing !== undefined && performance.now() - standing.since >= leaseDuration) {
      const { session } = standing;
      standing = undefined;
      if (await endStandingSession(store, table, session)) {
        logger?.warn(
          { table, backend: session.pid },
          'The process that held the lease stood still in the middle of a page; its database session was ended.',
        );
        // The session needs some time to roll back.
        deadline = Math.max(deadline, performance.now() + leaseDuration);
      }
    }
    await sleep(Math.min(LONGEST_POLL, leaseDuration / 10), signal);
  }
}

/** A session that has not changed since `since`. */
export interface Standing {
  readonly session: StandingSession;
  /** By `performance.now()`. */
  readonly since: number;
  readonly looks: number;
}

/** The standing session after one more look at the session that holds the lock. */
export function stillStanding(
  before: Standing | undefined,
  seen: StandingSession | undefined,
  now: number,
): Standing | undefined {
  if (seen === undefined) return undefined;
  const same = before?.session.pid === seen.pid && before.session.sign === seen.sign;
  return same ? { ...before, looks: before.looks + 1 } : { session: seen, since: now, looks: 1 };
}

/** Milliseconds. The holder may be configured with a longer lease than this process. */
async function longestWait(mirror: Mirror, table: string): Promise<number> {
  const { store, options } = mirror;
  // Without its state row, nobody can take the lease of a table.
  await registerTables(store, [table]);
  return Math.max(options.leaseDuration, (await readHolding(store, table)).left) * PATIENCE;
}

/** The table is left to the work that has its lease. */
export function leaseHeld(
  table: string,
  message = `Another process is writing table ${table}.`,
  cause?: unknown,
): Failure {
  return new Failure({ code: 'lease-held', message, cause, details: { table } });
}
