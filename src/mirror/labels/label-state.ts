import { heldBy, type Lease } from '../lease/leases.ts';
import type { StateStore } from '../state/store.ts';
import { and, eq, inArray, sql } from '../drizzle.ts';

/** Stands before the basis while the labels are stored and the views are not made of them yet. */
export const VIEWS_DUE = '~';

/** How up to date the labels of a table are. */
export interface LabelState {
  /** The state of the metadata that they belong to; null where they have to be read. */
  readonly basis: string | null;
  /** The views have to follow. */
  readonly viewsDue: boolean;
}

export async function readLabelState(store: StateStore, table: string): Promise<LabelState> {
  const { tables } = store.tables;
  const [row] = await store.statement(async (db) =>
    db
      .select({ basis: tables.labelsVersion })
      .from(tables)
      .where(and(eq(tables.environmentId, store.environmentId), eq(tables.table, table))),
  );
  const basis = row?.basis ?? null;
  return basis?.startsWith(VIEWS_DUE) === true
    ? { basis: basis.slice(VIEWS_DUE.length), viewsDue: true }
    : { basis, viewsDue: false };
}

/** Records the basis that stored labels belong to, in the transaction that stores them. */
export async function recordLabels(store: StateStore, lease: Lease, basis: string): Promise<void> {
  await store.db
    .update(store.tables.tables)
    .set({ labelsVersion: VIEWS_DUE + basis })
    .where(heldBy(store, lease));
}

/** Makes the labels be read again, in the transaction that altered the mirror table. */
export async function forgetLabels(store: StateStore, lease: Lease): Promise<void> {
  await store.db.update(store.tables.tables).set({ labelsVersion: null }).where(heldBy(store, lease));
}

/** Records that the views have followed. A table that was altered meanwhile keeps its views due. @throws Failure */
export async function recordViews(store: StateStore, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const { tables } = store.tables;
  await store.statement(async (db) =>
    db
      .update(tables)
      .set({ labelsVersion: sql`substr(${tables.labelsVersion}, ${VIEWS_DUE.length + 1}::int)` })
      .where(
        and(
          eq(tables.environmentId, store.environmentId),
          inArray(tables.table, [...names]),
          sql`starts_with(${tables.labelsVersion}, ${VIEWS_DUE})`,
        ),
      ),
  );
}

/** Makes labels be read and views be made again where the wishes have changed since the last process. */
export async function recordViewWishes(store: StateStore, wishes: string): Promise<void> {
  const { environments, tables } = store.tables;
  const changed = await store.db
    .update(environments)
    .set({ viewWishes: wishes })
    .where(
      and(
        eq(environments.id, store.environmentId),
        sql`${environments.viewWishes} IS DISTINCT FROM ${wishes}`,
      ),
    )
    .returning({ id: environments.id });
  if (changed.length === 0) return;
  await store.db
    .update(tables)
    .set({ labelsVersion: null })
    .where(eq(tables.environmentId, store.environmentId));
}
