import type pg from 'pg';
import type { RowId } from '../../model/page.ts';
import type { SeenKeys } from './seen-keys.ts';
import { coversErasure, mayErase, type SweepCounts, type SweepLimits } from './sweep-limits.ts';
import type { StateStore } from '../state/store.ts';
import { and, eq, isNotNull, sql } from '../drizzle.ts';

/** A sweep that waits for a person's yes, and whether the person gave it. */
export interface SweepApproval {
  /** Rows that the sweep would delete, as last counted; null when no sweep waits. */
  readonly unseenRows: number | null;
  /**
   * Where no sweep waits, a yes lets the next sweep delete any number of rows, because they belong to a table
   * that is gone.
   */
  readonly allowed: boolean;
}

const NONE: SweepApproval = { unseenRows: null, allowed: false };

/** Reads which sweep of a table waits. */
export async function readSweepApproval(store: StateStore, table: string): Promise<SweepApproval> {
  const { tables } = store.tables;
  const [row] = await store.db
    .select({ unseenRows: tables.unseenRows, allowed: tables.sweepAllowed })
    .from(tables)
    .where(ofTable(store, table));
  return row ?? NONE;
}

/** Records that a sweep of so many rows waits. A yes to another sweep ends. */
async function recordWaitingSweep(store: StateStore, table: string, unseenRows: number): Promise<void> {
  await store.db
    .update(store.tables.tables)
    .set({ unseenRows, sweepAllowed: false })
    .where(ofTable(store, table));
}

/** Records that no sweep waits any more, because a new re-baseline begins. */
export async function forgetWaitingSweep(store: StateStore, table: string): Promise<void> {
  await store.db
    .update(store.tables.tables)
    .set({ unseenRows: null, sweepAllowed: false })
    .where(and(ofTable(store, table), isNotNull(store.tables.tables.unseenRows)));
}

/** Records that the sweep has happened, or that there is nothing to sweep. The yes is used up. */
export async function forgetSweepApproval(store: StateStore, table: string): Promise<void> {
  await store.db
    .update(store.tables.tables)
    .set({ unseenRows: null, sweepAllowed: false })
    .where(ofTable(store, table));
}

/** A sweep that would delete more rows than the limits allow. */
export interface SweepTooLarge extends SweepCounts {
  /** Some of the rows that the sweep would delete. */
  readonly sample: readonly RowId[];
}

/** Rows of a refused sweep that are read again; each costs a request. */
const SAMPLE = 3;

/**
 * Decides whether the sweep of the seen keys may happen, by the limits and by a person's yes. A sweep that
 * is refused waits for a yes from then on.
 *
 * @param counts what the sweep would delete.
 * @returns null when it may happen.
 */
export async function refuseSweep(
  client: pg.PoolClient,
  store: StateStore,
  seen: SeenKeys,
  counts: SweepCounts,
  table: string,
  limits: SweepLimits,
): Promise<SweepTooLarge | null> {
  const { unseenRows, allowed } = await readSweepApproval(store, table);
  const agreed = allowed && (unseenRows === null || coversErasure(counts, unseenRows));
  if (agreed || mayErase(counts, limits)) {
    if (allowed || unseenRows !== null) await forgetSweepApproval(store, table);
    return null;
  }
  await recordWaitingSweep(store, table, counts.unseen);
  return { ...counts, sample: await seen.some(client, SAMPLE) };
}

/** Records a person's yes to the sweep that waits, if one does. The next run then sweeps. */
async function allowSweep(store: StateStore, table: string): Promise<void> {
  const { tables } = store.tables;
  await store.transaction(async ({ db }) =>
    db
      .update(tables)
      .set({ sweepAllowed: true })
      .where(and(ofTable(store, table), isNotNull(tables.unseenRows))),
  );
}

/** Rows marked deleted that wait for a person's yes, and whether the person gave it. */
export interface ErasureApproval {
  /** The number of rows, as last counted; null when none wait. */
  readonly marked: number | null;
  readonly allowed: boolean;
}

/** Reads which marked rows of a table wait. */
export async function readErasureApproval(store: StateStore, table: string): Promise<ErasureApproval> {
  const { tables } = store.tables;
  const [row] = await store.db
    .select({ marked: tables.markedRows, allowed: tables.erasureAllowed })
    .from(tables)
    .where(ofTable(store, table));
  return row ?? { marked: null, allowed: false };
}

/** Records that so many marked rows wait, or with null that none do. A yes from before ends. */
export async function recordMarkedRows(
  store: StateStore,
  table: string,
  marked: number | null,
): Promise<void> {
  const { tables } = store.tables;
  await store.db
    .update(tables)
    .set({ markedRows: marked, erasureAllowed: false })
    .where(and(ofTable(store, table), sql`${tables.markedRows} IS DISTINCT FROM ${marked}::bigint`));
}

/** Records a person's yes to deleting the waiting marked rows; the next run deletes them. */
async function allowErasure(store: StateStore, table: string): Promise<void> {
  const { tables } = store.tables;
  await store.transaction(async ({ db }) =>
    db
      .update(tables)
      .set({ erasureAllowed: true })
      .where(and(ofTable(store, table), isNotNull(tables.markedRows))),
  );
}

/** Records a person's yes to all deletes of a table that wait. The next run then does them. @throws Failure */
export async function allowDeletes(store: StateStore, table: string): Promise<void> {
  await store.transaction(async (inside) => {
    await allowSweep(inside, table);
    await allowErasure(inside, table);
  });
}

function ofTable(store: StateStore, table: string) {
  const { tables } = store.tables;
  return and(eq(tables.environmentId, store.environmentId), eq(tables.table, table));
}
