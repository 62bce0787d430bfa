import type { ClientBase } from 'pg';

/**
 * Milliseconds that a lock may be waited for which shuts readers out: they queue behind it meanwhile.
 * Less than PostgreSQL's `deadlock_timeout` (1 s), or a reader might be the one that is ended.
 */
export const STRONG_LOCK_TIMEOUT = 500;

/**
 * Runs statements of the caller's transaction that lock whole tables. Somebody may be reading for
 * hours, as a dump does: then they fail, and are tried again later.
 *
 * @throws PostgreSQL's error, 55P03 where a lock was not to be had in time.
 */
export async function withStrongLocks<T>(client: ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query(`SET LOCAL lock_timeout = ${STRONG_LOCK_TIMEOUT}`);
  const result = await work();
  await client.query('SET LOCAL lock_timeout = DEFAULT');
  return result;
}
