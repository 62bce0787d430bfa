import type { ClientBase } from 'pg';
import { inSavepoint } from './postgres.ts';
import { isLockNotAvailable } from './sqlstate.ts';

/**
 * Milliseconds to wait for a lock that shuts readers out, because readers queue behind the wait. It is
 * shorter than PostgreSQL's `deadlock_timeout` (1 s); otherwise PostgreSQL might end a reader.
 */
export const STRONG_LOCK_TIMEOUT = 500;

/** Ends a limit on waiting for locks. DEFAULT would bring back the limit of a role or a database. */
export const WITHOUT_LOCK_TIMEOUT = 'SET LOCAL lock_timeout = 0';

/** Milliseconds. Longer than `deadlock_timeout`, after which an automatic vacuum gives way. */
const VACUUM_TIMEOUT = 3_000;

/**
 * Ends a vacuum of the table that PostgreSQL began by itself, and keeps others away until the transaction
 * ends. The vacuum of a large table takes hours, and gives way only to a session that waits for a second. A
 * lock that shuts readers out must not wait so long. Readers do not notice this weaker lock.
 *
 * @param table its name, quoted.
 * @throws PostgreSQL's error, with 55P03 where another statement does not end.
 */
export async function endVacuum(client: ClientBase, table: string): Promise<void> {
  await client.query(`SET LOCAL lock_timeout = ${VACUUM_TIMEOUT}`);
  await client.query(`LOCK TABLE ${table} IN SHARE UPDATE EXCLUSIVE MODE`);
  await client.query(WITHOUT_LOCK_TIMEOUT);
}

/**
 * Runs statements that lock whole tables and that the caller's transaction can do without. A dump may read
 * for hours: then none of the statements takes effect.
 *
 * @returns whether they took effect.
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
