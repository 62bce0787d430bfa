import { and, eq, sql } from '../drizzle.ts';
import type { StateStore } from '../state/store.ts';
import type { ValueSlice } from './verify-records.ts';

/** How far the values of a table are compared, slice by slice. */
export interface ValueRound {
  /** The row version up to which the values are compared; null before the first slice. */
  readonly throughVersion: bigint | null;
  /** Milliseconds since the last round ended. */
  readonly age: number;
  /** Milliseconds since the last slice ended; null before the first one. */
  readonly sinceSlice: number | null;
}

function ofTable(store: StateStore, table: string) {
  const { valueRounds } = store.tables;
  return and(eq(valueRounds.environmentId, store.environmentId), eq(valueRounds.table, table));
}

/**
 * The round of a table, begun anew where none of this basis is under way: another load has brought all rows, or other
 * columns. The first round counts from the last comparison of all values, or from the first load.
 *
 * @throws Failure
 */
export async function openRound(store: StateStore, table: string, basis: string): Promise<ValueRound> {
  const { valueRounds, verified, tables } = store.tables;
  const { environmentId } = store;
  const lastProof = sql`(SELECT ${verified.at} FROM ${verified} WHERE ${and(eq(verified.environmentId, environmentId), eq(verified.table, table), eq(verified.method, 'values'))})`;
  const firstLoad = sql`(SELECT ${tables.countedSince} FROM ${tables} WHERE ${and(eq(tables.environmentId, environmentId), eq(tables.table, table))})`;
  const now = sql`clock_timestamp()`;
  return store.statement(async (db) => {
    await db
      .insert(valueRounds)
      .values({ environmentId, table, basis, begunAt: sql`coalesce(${lastProof}, ${firstLoad}, ${now})` })
      .onConflictDoUpdate({
        target: [valueRounds.environmentId, valueRounds.table],
        set: { basis, begunAt: now, ...NOTHING_COMPARED },
        setWhere: sql`${valueRounds.basis} <> excluded.basis`,
      });
    const since = (time: typeof valueRounds.begunAt | typeof valueRounds.slicedAt) =>
      sql`extract(epoch FROM clock_timestamp() - ${time})::float8 * 1000`;
    const [round] = await db
      .select({
        throughVersion: valueRounds.throughVersion,
        age: since(valueRounds.begunAt).mapWith(Number),
        sinceSlice: sql<number | null>`${since(valueRounds.slicedAt)}`,
      })
      .from(valueRounds)
      .where(ofTable(store, table));
    return round ?? { throughVersion: null, age: 0, sinceSlice: null };
  });
}

const NOTHING_COMPARED = { slicedAt: null, throughVersion: null, rows: 0, requests: 0 };

/** What a round of slices has compared, from its beginning to its end. */
export interface EndedRound {
  readonly since: Date;
  readonly rows: number;
  readonly requests: number;
}

/**
 * Records that the values of a slice are compared, in the store's transaction.
 *
 * @returns the round, where this slice was its last one; undefined where further ones follow, or where another round
 *   has begun meanwhile.
 */
export async function recordSlice(
  store: StateStore,
  table: string,
  basis: string,
  { upTo, rows, requests }: ValueSlice,
): Promise<EndedRound | undefined> {
  const { valueRounds } = store.tables;
  const [round] = await store.db
    .update(valueRounds)
    .set({
      throughVersion: upTo,
      slicedAt: sql`clock_timestamp()`,
      rows: sql`${valueRounds.rows} + ${rows}`,
      requests: sql`${valueRounds.requests} + ${requests}`,
    })
    .where(and(ofTable(store, table), eq(valueRounds.basis, basis)))
    .returning({ since: valueRounds.begunAt, rows: valueRounds.rows, requests: valueRounds.requests });
  if (round === undefined || upTo !== null) return undefined;
  await beginNextRound(store, table, basis);
  return round;
}

/** Begins a round after all values were compared, in the store's transaction. */
export async function beginNextRound(store: StateStore, table: string, basis: string): Promise<void> {
  const { valueRounds } = store.tables;
  const next = { basis, begunAt: sql`clock_timestamp()`, ...NOTHING_COMPARED };
  await store.db
    .insert(valueRounds)
    .values({ environmentId: store.environmentId, table, ...next })
    .onConflictDoUpdate({ target: [valueRounds.environmentId, valueRounds.table], set: next });
}
