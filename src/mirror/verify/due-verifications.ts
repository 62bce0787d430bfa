import { and, eq, interval, sql } from '../drizzle.ts';
import type { StateStore } from '../state/store.ts';
import type { VerifyMethod } from './verify-records.ts';

export interface DueVerification {
  readonly table: string;
  readonly method: VerifyMethod;
  /** Somebody asked for it, or it was interrupted. */
  readonly isUrgent: boolean;
}

export interface VerifyIntervals {
  /** Milliseconds after which a sweep is due again. */
  readonly every: number;
  /** Milliseconds: within this time, each value of a table is compared once. Undefined: values are not compared. */
  readonly values: number | undefined;
}

/** How long a process that is verifying keeps the table to itself after its last page. */
const CLAIM = "interval '10 minutes'";

/**
 * Finds the verifications that are due: first those that somebody asked for, then those that were interrupted, then the
 * one whose last proof is the oldest. A table that was never verified is due one interval after its first load began. Sweeps
 * compare the values too, slice by slice; only where they have not come to the end in time, that is due by itself.
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
): Promise<DueVerification[]> {
  if (names.length === 0) return [];
  const { tables, verifications, verified, valueRounds } = store.tables;
  const ofTable = (kept: typeof verified | typeof valueRounds) =>
    and(eq(kept.environmentId, tables.environmentId), eq(kept.table, tables.table));
  const lastSweep = sql`coalesce((SELECT max(${verified.at}) FROM ${verified} WHERE ${ofTable(verified)}), ${tables.countedSince})`;
  const lastValues = sql`coalesce((SELECT ${valueRounds.begunAt} FROM ${valueRounds} WHERE ${ofTable(valueRounds)}),
    (SELECT ${verified.at} FROM ${verified} WHERE ${and(ofTable(verified), eq(verified.method, 'values'))}), ${tables.countedSince})`;
  const isDue = (last: typeof lastSweep, after: number | undefined) =>
    after === undefined ? sql`false` : sql`${last} + ${interval(after)} <= now()`;
  const rows = await store.statement(async (db) =>
    db
      .select({
        table: tables.table,
        underWay: verifications.method,
        isAsked: sql<boolean>`${tables.verifyAskedAt} IS NOT NULL`,
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
            OR ${isDue(lastSweep, intervals?.every)} OR ${isDue(lastValues, intervals?.values)})`,
        ),
      )
      .orderBy(sql`${tables.verifyAskedAt} ASC NULLS LAST`, sql`${verifications.method} IS NULL`, lastSweep),
  );
  return rows.map(({ table, underWay, isAsked }) => ({
    table,
    method: (underWay as VerifyMethod | null) ?? 'sweep',
    isUrgent: isAsked || underWay !== null,
  }));
}
