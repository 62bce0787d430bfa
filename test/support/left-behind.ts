import { eventually } from './command-line.ts';
import type { TestDatabase } from './database.ts';

/** Leases and sessions that are there after the end of all commands. */
export async function leftBehind({
  query,
}: Pick<TestDatabase, 'query'>): Promise<{ leases: unknown[]; sessions: unknown[] }> {
  const leases = await query('SELECT "table" FROM mirrorverse.tables WHERE lease_holder IS NOT NULL');
  const sessions = async (): Promise<unknown[]> =>
    query(`SELECT pid FROM pg_stat_activity
      WHERE application_name = 'mirrorverse' AND datname = current_database()`);
  // One that was closed a moment ago may still be listed.
  await eventually(async () => (await sessions()).length === 0, 5_000).catch(() => undefined);
  return { leases, sessions: await sessions() };
}
