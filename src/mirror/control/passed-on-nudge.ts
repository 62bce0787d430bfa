import { interval, sql } from '../drizzle.ts';
import type { StateStore } from '../state/store.ts';

/** Milliseconds after which a nudge that was passed on means nothing any more. */
const MEANS_SOMETHING = 60_000;

/** SQL: the last nudge that another process passed on, in a form that compares exactly; null where none came lately. */
export function passedOnNudge({ tables: { nudges } }: StateStore) {
  const isLate = sql`${nudges.nudgedAt} > clock_timestamp() - ${interval(MEANS_SOMETHING)}`;
  return sql<string | null>`CASE WHEN ${isLate} THEN ${nudges.nudgedAt}::text END`;
}

/**
 * Passes nudges on to the other processes, for tables that this process does not mirror. Names of tables without state
 * are left out.
 *
 * @throws Failure
 */
export async function passNudgesOn(store: StateStore, names: readonly string[]): Promise<void> {
  const { tables, nudges } = store.tables;
  await store.statement(async (db) =>
    db.execute(sql`
      INSERT INTO ${nudges} (environment_id, "table", nudged_at)
      SELECT ${tables.environmentId}, ${tables.table}, clock_timestamp() FROM ${tables}
       WHERE ${tables.environmentId} = ${store.environmentId} AND ${tables.leftAt} IS NULL
         AND ${tables.table} = ANY(${sql.param([...names])}::text[])
      ON CONFLICT (environment_id, "table") DO UPDATE SET nudged_at = clock_timestamp()`),
  );
}
