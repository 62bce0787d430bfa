import { sql, and, eq, inArray, not } from '../drizzle.ts';
import type { StateStore } from '../state/store.ts';

/** Seconds after its newest run for which a living process may be polling a table. */
export const RECENT_ATTEMPT = 900;

/**
 * SQL: whether another living process may be mirroring a row of `tables`. The table had a run lately, and the database
 * has a session of mirrorverse that is older than that run and than this process. A `sync` that has ended has no
 * session any more, and a daemon that was started anew has none that old. A daemon keeps its sessions, because it looks
 * at what people ask every few seconds.
 *
 * A role that may not see when a session of another role began gets null, which counts as older.
 */
export function isPolledElsewhere({ tables: { tables } }: StateStore) {
  const uptime = performance.now() / 1_000;
  return sql<boolean>`(coalesce(${tables.lastAttemptAt} > clock_timestamp() - make_interval(secs => ${RECENT_ATTEMPT}), false)
    AND EXISTS (SELECT FROM pg_stat_activity a
                 WHERE a.application_name = 'mirrorverse' AND a.datname = current_database() AND a.pid <> pg_backend_pid()
                   AND coalesce(a.backend_start < least(${tables.lastAttemptAt}, clock_timestamp() - make_interval(secs => ${uptime}::float8)), true)))`;
}

/**
 * Takes note that a process mirrors a table no longer, because its configuration has changed. The table can then be
 * forgotten at once. Another process that mirrors the table notes its next run. @throws Failure
 */
export async function leaveTable(store: StateStore, table: string): Promise<void> {
  const { tables } = store.tables;
  await store.statement(async (db) =>
    db
      .update(tables)
      .set({ lastAttemptAt: null, leftAt: sql`clock_timestamp()` })
      .where(and(eq(tables.environmentId, store.environmentId), eq(tables.table, table))),
  );
}

/**
 * Takes note that the configuration of this process has left tables out, except of those that another process may be
 * mirroring. A later run of any process undoes that. @throws Failure
 */
export async function leaveUnpolled(store: StateStore, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const { tables } = store.tables;
  await store.statement(async (db) =>
    db
      .update(tables)
      .set({ leftAt: sql`clock_timestamp()` })
      .where(
        and(
          eq(tables.environmentId, store.environmentId),
          inArray(tables.table, [...names]),
          sql`coalesce(${tables.leaseExpiresAt} < clock_timestamp(), true)`,
          not(isPolledElsewhere(store)),
        ),
      ),
  );
}
