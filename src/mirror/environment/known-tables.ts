import type { Failure } from '../../model/failure.ts';
import type { StateStore } from '../state/store.ts';
import { and, eq, sql } from '../state/drizzle.ts';

/** A table that has a row of state. */
export interface KnownTable {
  readonly table: string;
  /** Code of the failure it last ended with, until a run succeeds. */
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

/**
 * Records that the environment has no such table any more. Should one of its name come back, it is not
 * the same: its rows are read anew, so its link is taken for one of another selection.
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
