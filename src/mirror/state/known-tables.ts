import type { StateStore } from './store.ts';
import { and, eq, inArray, isNotNull, not, sql } from '../drizzle.ts';
import { isPaused } from '../control/pauses.ts';
import type { Failure } from '../../model/failure.ts';

/** A table that has a row of state. */
export interface KnownTable {
  readonly table: string;
  /** Code of the failure that its last run ended with; null after a success. */
  readonly errorCode: string | null;
}

export async function readKnownTables(store: StateStore): Promise<KnownTable[]> {
  const { tables } = store.tables;
  return store.statement(async (db) =>
    db
      .select({ table: tables.table, errorCode: tables.errorCode })
      .from(tables)
      .where(eq(tables.environmentId, store.environmentId))
      .orderBy(tables.table),
  );
}

/** Finds the tables among these that have never been brought up to date. */
export async function neverLoaded(store: StateStore, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return [];
  const { tables } = store.tables;
  const rows = await store.statement(async (db) =>
    db
      .select({ table: tables.table })
      .from(tables)
      .where(
        and(
          eq(tables.environmentId, store.environmentId),
          inArray(tables.table, [...names]),
          isNotNull(tables.lastSuccessAt),
        ),
      ),
  );
  const loaded = new Set(rows.map(({ table }) => table));
  return names.filter((name) => !loaded.has(name));
}

/**
 * Records that the environment no longer has such a table. A table that comes back under the name is another
 * one: its selection is cleared, so that its rows are read anew.
 */
export async function recordRemoval(store: StateStore, table: string, failure: Failure): Promise<void> {
  const { tables } = store.tables;
  await store.statement(async (db) =>
    db
      .update(tables)
      .set({
        selection: null,
        errorCode: failure.code,
        errorMessage: failure.message,
        errorRemedy: failure.remedy,
        errorReaction: failure.reaction,
        errorAt: sql`clock_timestamp()`,
      })
      .where(and(eq(tables.environmentId, store.environmentId), eq(tables.table, table))),
  );
}

/** A delta link, and how old it is. */
export interface AgedLink {
  readonly table: string;
  /** Days, by the database's clock. */
  readonly age: number;
}

/**
 * Finds the tables among these whose delta link is older than so many days, the oldest first. A paused table is not
 * among them: a person has stopped it, and its pause says when it ends.
 */
export async function agedLinks(
  store: StateStore,
  names: readonly string[],
  days: number,
): Promise<AgedLink[]> {
  if (names.length === 0) return [];
  const { tables } = store.tables;
  const age = sql<number>`(extract(epoch from now() - ${tables.linkIssuedAt}) / 86400)::float8`;
  return store.statement(async (db) =>
    db
      .select({ table: tables.table, age })
      .from(tables)
      .where(
        and(
          eq(tables.environmentId, store.environmentId),
          inArray(tables.table, [...names]),
          eq(tables.linkKind, 'delta'),
          not(isPaused(store)),
          sql`${age} > ${days}::float8`,
        ),
      )
      .orderBy(sql`${tables.linkIssuedAt}`),
  );
}
