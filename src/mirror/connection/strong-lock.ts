import type { ClientBase } from 'pg';
import { inSavepoint } from './savepoint.ts';
import { isLockNotAvailable } from './sqlstate.ts';

/**
 * Milliseconds that a lock may be waited for which shuts readers out: they queue behind it meanwhile.
 * Less than PostgreSQL's `deadlock_timeout` (1 s), or a reader might be the one that is ended.
 */
export const STRONG_LOCK_TIMEOUT = 500;

/** Ends a limit on waiting for locks. Not DEFAULT, which is what a role or a database was given. */
export const WITHOUT_LOCK_TIMEOUT = 'SET LOCAL lock_timeout = 0';

/** Milliseconds: more than `deadlock_timeout`, at which a vacuum ends that is asked to. */
const VACUUM_TIMEOUT = 3_000;

/**
 * Ends a vacuum of the table that PostgreSQL began by itself, and keeps others away until the
 * transaction ends. One of a large table takes hours, and makes way only for whoever waits for a second,
 * which nobody is to do for a lock that shuts readers out; this one they do not notice.
 *
 * @param table its name, quoted.
 * @throws PostgreSQL's error, 55P03 where somebody else's statement goes on.
 */
export async function endVacuum(client: ClientBase, table: string): Promise<void> {
  await client.query(`SET LOCAL lock_timeout = ${VACUUM_TIMEOUT}`);
  await client.query(`LOCK TABLE ${table} IN SHARE UPDATE EXCLUSIVE MODE`);
  await client.query(WITHOUT_LOCK_TIMEOUT);
}

/**
 * Runs statements of the caller's transaction that lock whole tables, and that it can do without.
 * Somebody may be reading for hours, as a dump does: then nothing of them is done.
 *
 * @returns whether they were.
 */
export async function whereLocksAllow(client: ClientBase, work: () => Promise<unknown>): Promise<boolean> {
  const withTimeout = async (): Promise<void> => {
    await client.query(`SET LOCAL lock_timeout = ${STRONG_LOCK_TIMEOUT}`);
    await work();
    await client.query(WITHOUT_LOCK_TIMEOUT);
  };
  return (await inSavepoint(client, withTimeout, isInTheWay)) === undefined;
}

function isInTheWay(error: unknown): error is Error {
  return isLockNotAvailable(error);
}
