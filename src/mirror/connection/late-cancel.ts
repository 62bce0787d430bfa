import type { Pool } from 'pg';
import { withOwnSession } from './session.ts';
import { timed } from './timed-query.ts';

/** Milliseconds a transaction may go on after the process was told to stop. */
const ABORT_GRACE = 10_000;

/** Milliseconds that the end of the process may have to wait for PostgreSQL to answer to a cancel. */
const ANSWER_IN = 2_000;

/** A transaction under way, so that no other one of the same backend is meant. */
export interface RunningTransaction {
  /** Process id of its backend. */
  readonly pid: number;
  /** When it began, by the database's clock, as PostgreSQL writes it. */
  readonly startedAt: string;
}

/**
 * Lets a transaction end by itself after an abort, for a while; then its statement is cancelled. One that
 * waits for a lock, or rewrites a large table, would otherwise outlast the process's own time to stop,
 * and keep the lease.
 *
 * @param pool says how to connect; the cancel has a connection of its own and waits for none of the pool.
 * @returns what ends it, to be awaited before anybody else uses the backend: only then does no cancel
 *   reach it any more. It resolves to false when that is not known, because PostgreSQL did not answer.
 */
export function cancelLate(
  pool: Pool,
  transaction: RunningTransaction,
  signal: AbortSignal | undefined,
): () => Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  let sent: Promise<boolean> | undefined;
  const cancel = async (): Promise<void> => {
    await withOwnSession(pool, async (session) => {
      await session.setUp();
      if (isOver) return;
      const statement =
        'SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND xact_start = $2::timestamptz';
      const query = session.alone({
        ...timed(statement, [transaction.pid, transaction.startedAt]),
        query_timeout: ANSWER_IN,
      });
      sent = query.then(
        () => true,
        () => false,
      );
      await sent;
    });
  };
  const onAbort = (): void => {
    // PostgreSQL may not be there to be asked; it rolls back by itself when it notices that we are gone.
    timer = setTimeout(() => void cancel().catch(() => undefined), ABORT_GRACE);
  };
  if (signal?.aborted === true) onAbort();
  else signal?.addEventListener('abort', onAbort, { once: true });
  return async () => {
    isOver = true;
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    return (await sent) ?? true;
  };
}
