import type { StateStore } from '../state/store.ts';
import { and, eq, inArray, sql } from '../state/drizzle.ts';

/** A delta link that was issued some time ago. */
export interface AgedLink {
  readonly table: string;
  /** Days, by the database's clock. */
  readonly age: number;
}

/** Of these tables those whose delta link is older than so many days, the oldest first. */
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
          sql`${age} > ${days}::float8`,
        ),
      )
      .orderBy(sql`${tables.linkIssuedAt}`),
  );
}
