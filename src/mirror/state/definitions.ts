import type { Table } from '../../model/table.ts';
import type { StateStore } from './store.ts';
import { and, eq, isNotNull, sql } from './drizzle.ts';

/** A table's definition as the environment last told it. */
export interface KnownDefinition {
  readonly definition: Table;
  /** Since when it could not be had any more, by the database's clock; null while it can. */
  readonly unreadSince: Date | null;
}

/** Notes a table's definition, in the transaction that made the mirror table fit it. */
export async function recordDefinition(store: StateStore, table: Table): Promise<void> {
  const { definitions } = store.tables;
  const definition = JSON.stringify(table);
  await store.db
    .insert(definitions)
    .values({ environmentId: store.environmentId, table: table.logicalName, definition })
    .onConflictDoUpdate({
      target: [definitions.environmentId, definitions.table],
      set: { definition },
      setWhere: sql`${definitions.definition} <> excluded.definition`,
    });
}

/** What is known of a table; undefined where it was never prepared. */
export async function readDefinition(store: StateStore, table: string): Promise<KnownDefinition | undefined> {
  const { definitions } = store.tables;
  const [row] = await store.transaction(async ({ db }) =>
    db
      .select({ definition: definitions.definition, unreadSince: definitions.unreadSince })
      .from(definitions)
      .where(and(eq(definitions.environmentId, store.environmentId), eq(definitions.table, table))),
  );
  if (row === undefined) return undefined;
  return { definition: JSON.parse(row.definition) as Table, unreadSince: row.unreadSince };
}

/** Notes that a table's definition cannot be had, and returns since when. */
export async function recordUnread(store: StateStore, table: string, code: string): Promise<Date | null> {
  const { definitions } = store.tables;
  const [row] = await store.transaction(async ({ db }) =>
    db
      .update(definitions)
      .set({ unreadSince: sql`coalesce(${definitions.unreadSince}, now())`, unreadCode: code })
      .where(and(eq(definitions.environmentId, store.environmentId), eq(definitions.table, table)))
      .returning({ since: definitions.unreadSince }),
  );
  return row?.since ?? null;
}

/** Notes that a table's definition can be had again. */
export async function recordRead(store: StateStore, table: string): Promise<void> {
  const { definitions } = store.tables;
  await store.transaction(async ({ db }) =>
    db
      .update(definitions)
      .set({ unreadSince: null, unreadCode: null })
      .where(
        and(
          eq(definitions.environmentId, store.environmentId),
          eq(definitions.table, table),
          isNotNull(definitions.unreadSince),
        ),
      ),
  );
}
