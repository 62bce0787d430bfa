import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { StateStore } from '../state/store.ts';
import { and, eq, isNotNull, sql } from '../state/drizzle.ts';

/** Rows marked deleted that wait for somebody's word, and whether it was given. */
export interface ErasureWord {
  /** As they were last counted; null when none wait. */
  readonly marked: number | null;
  readonly allowed: boolean;
}

/** What of a table's marked rows waits. */
export async function readErasureWord(
  store: StateStore,
  db: NodePgDatabase,
  table: string,
): Promise<ErasureWord> {
  const { tables } = store.tables;
  const [row] = await db
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
  db: NodePgDatabase,
  table: string,
  marked: number | null,
): Promise<void> {
  const { tables } = store.tables;
  await db
    .update(tables)
    .set({ markedRows: marked, erasureAllowed: false })
    .where(and(ofTable(store, table), sql`${tables.markedRows} IS DISTINCT FROM ${marked}::bigint`));
}

/** Says yes to deleting the marked rows that wait, if some do; the next run then does it. */
export async function allowErasure(store: StateStore, db: NodePgDatabase, table: string): Promise<void> {
  const { tables } = store.tables;
  await db
    .update(tables)
    .set({ erasureAllowed: true })
    .where(and(ofTable(store, table), isNotNull(tables.markedRows)));
}

function ofTable(store: StateStore, table: string) {
  const { tables } = store.tables;
  return and(eq(tables.environmentId, store.environmentId), eq(tables.table, table));
}
