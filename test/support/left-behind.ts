import { setTimeout as delay } from 'node:timers/promises';
import type { TestDatabase } from './database.ts';

/** Leases and sessions that are there after the end of all commands. */
export async function leftBehind({
  query,
}: Pick<TestDatabase, 'query'>): Promise<{ leases: unknown[]; sessions: unknown[] }> {
  // A session that was closed a moment ago may still be listed.
  await delay(200);
  const [leases, sessions] = await Promise.all([
    query('SELECT "table" FROM mirrorverse.tables WHERE lease_holder IS NOT NULL'),
    query(`SELECT pid FROM pg_stat_activity
      WHERE application_name = 'mirrorverse' AND datname = current_database()`),
  ]);
  return { leases, sessions };
}
