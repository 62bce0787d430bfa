import { interval, sql } from '../drizzle.ts';
import type { StateStore } from '../state/store.ts';
import { isPaused } from './pauses.ts';

/** What became of a claim: the poll may begin, may begin after some milliseconds, or must not begin at all. */
export type NudgeClaim = { readonly wait: number } | 'refused';

/**
 * Claims a poll of a table that a nudge asks for. All processes with this state together get one claim in `gap`, so that
 * several processes, or nudges that never end, cost no more than that.
 *
 * @param gap milliseconds.
 * @param early the poll may begin one gap earlier. It then uses up the gap that follows, too.
 * @returns `wait` 0 if the claim was granted; `refused` if a person has paused the table, or if it has no state.
 * @throws Failure
 */
export async function claimNudgedPoll(
  store: StateStore,
  table: string,
  { gap: milliseconds, early }: { readonly gap: number; readonly early: boolean },
): Promise<NudgeClaim> {
  const { tables, nudges } = store.tables;
  const gap = interval(milliseconds);
  const allowed = sql`clock_timestamp() + ${interval(early ? milliseconds : 0)}`;
  // Further in the future than any claim leads: the clock of the database was set back.
  const isOdd = sql`${nudges.freeAt} > clock_timestamp() + 3 * ${gap}`;
  const { rows } = await store.statement(async (db) =>
    db.execute<{ isOpen: boolean; claimed: boolean; wait: number | null }>(sql`
      WITH open AS (
        SELECT ${tables.environmentId} AS environment_id, ${tables.table} AS name FROM ${tables}
         WHERE ${tables.environmentId} = ${store.environmentId} AND ${tables.table} = ${table}
           AND NOT ${isPaused(store)}
      ), claimed AS (
        INSERT INTO ${nudges} (environment_id, "table", free_at)
        SELECT environment_id, name, clock_timestamp() + ${gap} FROM open
        ON CONFLICT (environment_id, "table") DO UPDATE
          SET free_at = CASE WHEN ${isOdd} THEN clock_timestamp()
                             ELSE greatest(coalesce(${nudges.freeAt}, clock_timestamp()), clock_timestamp()) END + ${gap}
          WHERE ${nudges.freeAt} IS NULL OR ${nudges.freeAt} <= ${allowed} OR ${isOdd}
        RETURNING 1
      )
      SELECT EXISTS (SELECT FROM open) AS "isOpen", EXISTS (SELECT FROM claimed) AS claimed,
             (SELECT extract(epoch FROM ${nudges.freeAt} - ${allowed})::float8 * 1000 FROM ${nudges}, open
               WHERE ${nudges.environmentId} = open.environment_id AND ${nudges.table} = open.name) AS wait`),
  );
  const [row] = rows;
  if (row?.isOpen !== true) return 'refused';
  if (row.claimed) return { wait: 0 };
  // The first claim of another process, made at the same time, is not visible here yet.
  return { wait: Math.max(1, row.wait ?? milliseconds) };
}
