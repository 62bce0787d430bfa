import type { SQL } from 'drizzle-orm';
import { SESSION_SIGN } from '../connection/connection-watch.ts';
import { isPrivilegeError } from '../connection/sqlstate.ts';
import type { StateStore } from '../state/store.ts';
import { sql } from '../drizzle.ts';

/** A database session that keeps a table's row of state locked and waits for its client meanwhile. */
export interface StandingSession {
  /** Process id of the session's backend. */
  readonly pid: number;
  /** Changes with everything the session does: a statement, a state, a piece of a COPY. */
  readonly sign: string;
}

/**
 * Finds the session that holds the lock on a table's row of state, if it waits for its client now. Two looks
 * with the same sign mean that the client has sent nothing in between.
 *
 * A row names the transaction that locks it in `xmax`; `pg_locks` says which session runs that transaction.
 *
 * @throws Failure
 */
export async function findStandingSession(
  store: StateStore,
  table: string,
): Promise<StandingSession | undefined> {
  const { rows } = await store.statement(async (db) =>
    db.execute<{ pid: number; sign: string }>(sql`SELECT a.pid, ${SIGN} AS sign ${standing(store, table)}`),
  );
  const [row] = rows;
  return row && { pid: row.pid, sign: row.sign };
}

/**
 * Ends a session that was found standing, so that PostgreSQL rolls its transaction back. Nothing happens when
 * the session has moved since, when the lease is still good, or where the role may not end it.
 *
 * @returns whether the session was told to end.
 * @throws Failure
 */
export async function endStandingSession(
  store: StateStore,
  table: string,
  session: StandingSession,
): Promise<boolean> {
  return store.statement(async (db) => {
    try {
      const { rows } = await db.execute(
        sql`SELECT pg_terminate_backend(a.pid) ${standing(store, table)}
            AND t.lease_expires_at < clock_timestamp() AND a.pid = ${session.pid} AND ${SIGN} = ${session.sign}`,
      );
      return rows.length > 0;
    } catch (error) {
      // The session belongs to another role. PostgreSQL notices by itself, later, that the client is gone.
      if (isPrivilegeError(error)) return false;
      throw error;
    }
  });
}

const SIGN = sql.raw(SESSION_SIGN);

function standing(store: StateStore, table: string): SQL {
  const { tables } = store.tables;
  return sql`FROM ${tables} t
    JOIN pg_locks l ON l.locktype = 'transactionid' AND l.transactionid = t.xmax AND l.granted
    JOIN pg_stat_activity a ON a.pid = l.pid
    LEFT JOIN pg_stat_progress_copy c ON c.pid = a.pid
   WHERE t.environment_id = ${store.environmentId} AND t."table" = ${table}
     AND l.mode = 'ExclusiveLock' AND a.wait_event_type = 'Client'`;
}
