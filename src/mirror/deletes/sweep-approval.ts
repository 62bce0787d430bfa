import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { StateStore } from '../state/store.ts';
import { and, eq, isNotNull } from '../state/drizzle.ts';

/** A sweep that waits for somebody's word, and whether it was given. */
export interface SweepWord {
  /** Rows that it would delete, as they were last counted; null when no sweep waits. */
  readonly unseenRows: number | null;
  /** Where none waits: the next may delete whatever it does, for the rows are of a table that is gone. */
  readonly allowed: boolean;
}

const NONE: SweepWord = { unseenRows: null, allowed: false };

/** What of a table's sweep waits. */
export async function readSweepWord(
  store: StateStore,
  db: NodePgDatabase,
  table: string,
): Promise<SweepWord> {
  const { tables } = store.tables;
  const [row] = await db
    .select({ unseenRows: tables.unseenRows, allowed: tables.sweepAllowed })
    .from(tables)
    .where(ofTable(store, table));
  return row ?? NONE;
}

/** Notes that a sweep of so many rows waits; a word that was given for another is taken back. */
export async function recordWaitingSweep(
  store: StateStore,
  db: NodePgDatabase,
  table: string,
  unseenRows: number,
): Promise<void> {
  await db.update(store.tables.tables).set({ unseenRows, sweepAllowed: false }).where(ofTable(store, table));
}

/** A sweep that waited does so no more, for a new re-baseline begins. */
export async function forgetWaitingSweep(
  store: StateStore,
  db: NodePgDatabase,
  table: string,
): Promise<void> {
  await db
    .update(store.tables.tables)
    .set({ unseenRows: null, sweepAllowed: false })
    .where(and(ofTable(store, table), isNotNull(store.tables.tables.unseenRows)));
}

/** The sweep has happened, or there is nothing to sweep: what was said of it is used up. */
export async function forgetSweepWord(store: StateStore, db: NodePgDatabase, table: string): Promise<void> {
  await db
    .update(store.tables.tables)
    .set({ unseenRows: null, sweepAllowed: false })
    .where(ofTable(store, table));
}

/** Says yes to the sweep that waits, if one does; the next run then does it. */
export async function allowSweep(store: StateStore, db: NodePgDatabase, table: string): Promise<void> {
  const { tables } = store.tables;
  await db
    .update(tables)
    .set({ sweepAllowed: true })
    .where(and(ofTable(store, table), isNotNull(tables.unseenRows)));
}

function ofTable(store: StateStore, table: string) {
  const { tables } = store.tables;
  return and(eq(tables.environmentId, store.environmentId), eq(tables.table, table));
}
