import type { Pool } from 'pg';
import { timed, withOwnSession } from './session.ts';

/** Milliseconds that a transaction may go on after the process was told to stop. */
const ABORT_GRACE = 10_000;

/** Milliseconds that the end of the process may wait for PostgreSQL to answer a cancel. */
const ANSWER_IN = 2_000;

/** A transaction under way. Both members together tell it from later ones of the same backend. */
export interface RunningTransaction {
  /** Process id of its backend. */
  readonly pid: number;
  /** When the transaction began, by the database's clock, as PostgreSQL writes it. */
  readonly startedAt: string;
}

/**
 * Gives a transaction some time to end by itself after an abort, then cancels its statement. A statement that
 * waits for a lock or rewrites a large table could otherwise outlast the time that the process has to stop,
 * and would keep the lease.
 *
 * @param pool says how to connect. The cancel has a connection of its own, because the pool may have none
 *   left.
 * @returns a function that ends the watch. The caller awaits it before anybody else uses the backend, because
 *   a cancel may reach the backend until then. It resolves to false when PostgreSQL did not answer, so that a
 *   cancel may still come.
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
    // PostgreSQL may not answer. It rolls back by itself when it notices that we are gone.
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
