import { and, eq, sql } from '../drizzle.ts';
import type { StateStore } from '../state/store.ts';
import type { VerifyMethod } from './verify-records.ts';

export interface DueVerification {
  readonly table: string;
  readonly method: VerifyMethod;
}

/** Milliseconds after which each proof is due again. */
export interface VerifyIntervals {
  readonly every: number;
  readonly values: number | undefined;
}

/** How long a process that is verifying keeps the table to itself after its last page. */
const CLAIM = "interval '10 minutes'";

/**
 * Finds the verification that is due first: one that somebody asked for, one that was interrupted, or the one whose
 * last proof is the oldest. A table that was never verified is due one interval after its first load began.
 *
 * A table counts only if it follows its delta link and is not paused. A table that another process verifies counts
 * only when that process has stored no page for a while.
 *
 * @param names of tables that this process runs.
 * @param intervals undefined where only what somebody asked for is due; an interrupted verification is not.
 */
export async function dueVerifications(
  store: StateStore,
  names: readonly string[],
  holder: string,
  intervals: VerifyIntervals | undefined,
): Promise<DueVerification | undefined> {
  if (names.length === 0) return undefined;
  const { tables, verifications, verified } = store.tables;
  const lastOf = (method: VerifyMethod) =>
    sql`coalesce((SELECT max(${verified.at}) FROM ${verified} WHERE ${and(eq(verified.environmentId, tables.environmentId), eq(verified.table, tables.table), method === 'sweep' ? undefined : eq(verified.method, method))}), ${tables.countedSince})`;
  const dueAt = (method: VerifyMethod, interval: number | undefined) =>
    interval === undefined
      ? sql`NULL::timestamptz`
      : sql`${lastOf(method)} + make_interval(secs => ${interval / 1000}::float8)`;
  const rows = await store.statement(async (db) =>
    db
      .select({
        table: tables.table,
        isValues: sql<boolean>`coalesce(${dueAt('values', intervals?.values)} <= now(), false)`,
        underWay: verifications.method,
      })
      .from(tables)
      .leftJoin(
        verifications,
        and(eq(verifications.environmentId, tables.environmentId), eq(verifications.table, tables.table)),
      )
      .where(
        and(
          eq(tables.environmentId, store.environmentId),
          sql`${tables.table} = ANY (${sql.param(names)}::text[])`,
          eq(tables.phase, 'delta'),
          sql`(${tables.pausedAt} IS NULL OR ${tables.pausedUntil} <= now())`,
          sql`(${verifications.holder} IS NULL OR ${verifications.holder} = ${holder} OR ${verifications.storedAt} < now() - ${sql.raw(CLAIM)})`,
          sql`(${tables.verifyAskedAt} IS NOT NULL OR ${intervals === undefined ? sql`false` : sql`${verifications.method} IS NOT NULL`}
            OR ${dueAt('sweep', intervals?.every)} <= now() OR ${dueAt('values', intervals?.values)} <= now())`,
        ),
      )
      .orderBy(
        sql`${tables.verifyAskedAt} ASC NULLS LAST`,
        sql`${verifications.method} IS NULL`,
        sql`${lastOf('sweep')}`,
      )
      .limit(1),
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  const underWay = row.underWay as VerifyMethod | null;
  return { table: row.table, method: underWay ?? (row.isValues ? 'values' : 'sweep') };
}
