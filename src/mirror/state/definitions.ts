import { createHash } from 'node:crypto';
import type { Table } from '../../model/table.ts';
import type { StateStore } from './store.ts';
import { and, eq, isNotNull, sql } from '../drizzle.ts';

/** A table's definition as the environment last gave it. */
export interface KnownDefinition {
  readonly definition: Table;
  /** Since when the definition cannot be read any more, by the database's clock; null while it can. */
  readonly unreadSince: Date | null;
}

/**
 * Records a table's definition, in the transaction that made the mirror table fit it.
 *
 * @param basis the state of the environment's metadata that the definition belongs to; null if that is not known.
 */
export async function recordDefinition(store: StateStore, table: Table, basis: string | null): Promise<void> {
  const { definitions } = store.tables;
  const definition = JSON.stringify(table);
  // A definition of hundreds of columns has some 50 kB. Usually it is there, and its hash is enough to see that.
  const stored = await store.db
    .select({ table: definitions.table })
    .from(definitions)
    .where(
      and(
        eq(definitions.environmentId, store.environmentId),
        eq(definitions.table, table.logicalName),
        sql`${definitions.basis} IS NOT DISTINCT FROM ${basis}::text`,
        sql`sha256(convert_to(${definitions.definition}, 'UTF8')) = ${createHash('sha256').update(definition).digest()}`,
      ),
    );
  if (stored.length > 0) return;
  await store.db
    .insert(definitions)
    .values({ environmentId: store.environmentId, table: table.logicalName, definition, basis })
    .onConflictDoUpdate({
      target: [definitions.environmentId, definitions.table],
      set: { definition, basis },
    });
}

/** Reads what is known of a table; undefined where it was never prepared. @throws Failure */
export async function readDefinition(store: StateStore, table: string): Promise<KnownDefinition | undefined> {
  const { definitions } = store.tables;
  const [row] = await store.statement(async (db) =>
    db
      .select({ definition: definitions.definition, unreadSince: definitions.unreadSince })
      .from(definitions)
      .where(and(eq(definitions.environmentId, store.environmentId), eq(definitions.table, table))),
  );
  if (row === undefined) return undefined;
  return { definition: JSON.parse(row.definition) as Table, unreadSince: row.unreadSince };
}

/** Records that a table's definition cannot be read, and returns since when. @throws Failure */
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

/** Records that a table's definition can be read again. @throws Failure */
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

/**
 * Records what the mirror table was last prepared for, in the transaction that prepared it.
 *
 * @param pending changes at the source that wait for a person's yes.
 * @returns whether the source's table was removed and made again under the same name. Then none of the rows
 *   in the mirror belongs to it, and a sweep may delete all of them.
 */
export async function recordMetadata(
  store: StateStore,
  { logicalName, metadataId, partition, isVirtual }: Table,
  pending: string | null,
): Promise<boolean> {
  const { tables } = store.tables;
  const ofTable = and(eq(tables.environmentId, store.environmentId), eq(tables.table, logicalName));
  const noted = { metadataId: tables.metadataId, pending: tables.pending, ownCounter: tables.ownCounter };
  const [before] = await store.db.select(noted).from(tables).where(ofTable);
  const known = before?.metadataId ?? null;
  const now = metadataId ?? known;
  const remade = known !== null && known !== now;
  // An elastic table, which has a partition, and a virtual table are not stored where the others are, and count their
  // versions themselves.
  const ownCounter = partition !== undefined || isVirtual === true;
  if (before?.pending !== pending || known !== now || before.ownCounter !== ownCounter) {
    // However many rows the load of another table leaves out, it says nothing about a lost privilege.
    const allowed = remade ? { unseenRows: null, sweepAllowed: true } : {};
    await store.db
      .update(tables)
      .set({ pending, metadataId: now, ownCounter, ...allowed })
      .where(ofTable);
  }
  return remade;
}
