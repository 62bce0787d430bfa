import type { StateStore } from '../state/store.ts';
import { and, eq, isNotNull, sql } from '../state/drizzle.ts';

/** A sweep that waits for somebody's word, and whether it was given. */
export interface SweepWord {
  /** Rows that it would delete, as they were last counted; null when no sweep waits. */
  readonly unseenRows: number | null;
  /** Where none waits: the next may delete whatever it does, for the rows are of a table that is gone. */
  readonly allowed: boolean;
}

const NONE: SweepWord = { unseenRows: null, allowed: false };

/** What of a table's sweep waits. */
export async function readSweepWord(store: StateStore, table: string): Promise<SweepWord> {
  const { tables } = store.tables;
  const [row] = await store.db
    .select({ unseenRows: tables.unseenRows, allowed: tables.sweepAllowed })
    .from(tables)
    .where(ofTable(store, table));
  return row ?? NONE;
}

/** Notes that a sweep of so many rows waits; a word that was given for another is taken back. */
export async function recordWaitingSweep(
  store: StateStore,
  table: string,
  unseenRows: number,
): Promise<void> {
  await store.db
    .update(store.tables.tables)
    .set({ unseenRows, sweepAllowed: false })
    .where(ofTable(store, table));
}

/** A sweep that waited does so no more, for a new re-baseline begins. */
export async function forgetWaitingSweep(store: StateStore, table: string): Promise<void> {
  await store.db
    .update(store.tables.tables)
    .set({ unseenRows: null, sweepAllowed: false })
    .where(and(ofTable(store, table), isNotNull(store.tables.tables.unseenRows)));
}

/** The sweep has happened, or there is nothing to sweep: what was said of it is used up. */
export async function forgetSweepWord(store: StateStore, table: string): Promise<void> {
  await store.db
    .update(store.tables.tables)
    .set({ unseenRows: null, sweepAllowed: false })
    .where(ofTable(store, table));
}

/** Says yes to the sweep that waits, if one does; the next run then does it. */
async function allowSweep(store: StateStore, table: string): Promise<void> {
  const { tables } = store.tables;
  await store.transaction(async ({ db }) =>
    db
      .update(tables)
      .set({ sweepAllowed: true })
      .where(and(ofTable(store, table), isNotNull(tables.unseenRows))),
  );
}

/** Rows marked deleted that wait for somebody's word, and whether it was given. */
export interface ErasureWord {
  /** As they were last counted; null when none wait. */
  readonly marked: number | null;
  readonly allowed: boolean;
}

/** What of a table's marked rows waits. */
export async function readErasureWord(store: StateStore, table: string): Promise<ErasureWord> {
  const { tables } = store.tables;
  const [row] = await store.db
    .select({ marked: tables.markedRows, allowed: tables.erasureAllowed })
    .from(tables)
    .where(ofTable(store, table));
  return row ?? { marked: null, allowed: false };
}

/**
 * Notes that so many marked rows wait, or with null that none do. What was said of them before is used
 * up or taken back.
 */
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

/** Says yes to deleting the marked rows that wait, if some do; the next run then does it. */
async function allowErasure(store: StateStore, table: string): Promise<void> {
  const { tables } = store.tables;
  await store.transaction(async ({ db }) =>
    db
      .update(tables)
      .set({ erasureAllowed: true })
      .where(and(ofTable(store, table), isNotNull(tables.markedRows))),
  );
}

/** Says yes to whatever deletes of a table wait; the next run then does them. @throws Failure */
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
