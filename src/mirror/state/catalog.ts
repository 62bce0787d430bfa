import type { MirrorColumn } from '../table/mirror-table.ts';
import type { StateStore } from './store.ts';
import { and, eq, inArray, sql } from '../drizzle.ts';

/** What the catalog says of one mirror column. */
export interface CatalogEntry {
  readonly column: string;
  readonly identifier: string;
  readonly attribute: string;
  readonly type: string;
  /** The environment's id of the attribute whose values the column holds; null where that is unknown. */
  readonly metadataId: string | null;
  readonly removed: boolean;
}

/** A row of the catalog, as far as it decides what is written. */
export type CatalogRecord = CatalogEntry & { readonly property: string };

/** The columns of the mirror table that the catalog does not have as they are, and the entries that it has to mark. */
export function changedColumns<E extends Omit<CatalogRecord, 'attribute'>>(
  before: readonly E[],
  now: readonly MirrorColumn[],
): { readonly changed: readonly MirrorColumn[]; readonly gone: readonly E[] } {
  const known = new Map(before.map((entry) => [entry.column, entry]));
  const changed = now.filter((column) => {
    const entry = known.get(column.name);
    return (
      entry === undefined ||
      entry.removed ||
      entry.identifier !== column.identifier ||
      entry.property !== column.property ||
      entry.type !== column.type ||
      (column.metadataId !== undefined && entry.metadataId !== column.metadataId)
    );
  });
  const names = new Set(now.map((column) => column.name));
  return { changed, gone: before.filter((entry) => !entry.removed && !names.has(entry.column)) };
}

/** Reads what the catalog knows of a table. */
export async function readCatalog(store: StateStore, table: string): Promise<CatalogEntry[]> {
  const { columns } = store.tables;
  const rows = await store.db
    .select({
      column: columns.column,
      identifier: columns.identifier,
      attribute: columns.attribute,
      type: columns.type,
      metadataId: columns.metadataId,
      removedAt: columns.removedAt,
    })
    .from(columns)
    .where(and(eq(columns.environmentId, store.environmentId), eq(columns.table, table)));
  return rows.map(({ removedAt, ...entry }) => ({ ...entry, removed: removedAt !== null }));
}

/** Records that a column's values stay under another name. */
export async function recordKept(
  store: StateStore,
  table: string,
  kept: { readonly identifier: string; readonly column: MirrorColumn; readonly type: string },
): Promise<void> {
  const { attribute, property } = kept.column;
  const { identifier, type } = kept;
  await store.db
    .insert(store.tables.columns)
    .values({
      environmentId: store.environmentId,
      table,
      column: identifier,
      identifier,
      attribute,
      property,
      type,
      removedAt: sql`now()`,
    })
    .onConflictDoNothing();
}

/**
 * Records which mirror column holds which attribute. A column that the source no longer has is marked, not
 * forgotten. Where nothing changed, nothing is written.
 *
 * @returns whether anything changed.
 */
export async function writeCatalog(
  store: StateStore,
  table: string,
  now: readonly MirrorColumn[],
): Promise<boolean> {
  const { columns } = store.tables;
  const { environmentId } = store;
  const ofTable = and(eq(columns.environmentId, environmentId), eq(columns.table, table));
  const before = await store.db
    .select({
      column: columns.column,
      identifier: columns.identifier,
      property: columns.property,
      type: columns.type,
      metadataId: columns.metadataId,
      removed: sql<boolean>`${columns.removedAt} IS NOT NULL`,
    })
    .from(columns)
    .where(ofTable);
  const known = new Map(before.map((entry) => [entry.column, entry]));
  const { changed, gone } = changedColumns(before, now);
  if (changed.length > 0) {
    const { identifier, attribute, property, type, metadataId } = EXCLUDED;
    await store.db
      .insert(columns)
      .values(
        changed.map((column) => ({
          environmentId,
          table,
          column: column.name,
          identifier: column.identifier,
          attribute: column.attribute,
          property: column.property,
          type: column.type,
          metadataId: column.metadataId ?? known.get(column.name)?.metadataId ?? null,
        })),
      )
      .onConflictDoUpdate({
        target: [columns.environmentId, columns.table, columns.column],
        set: { identifier, attribute, property, type, metadataId, removedAt: null },
      });
  }
  if (gone.length === 0) return changed.length > 0;
  await store.db
    .update(columns)
    .set({ removedAt: sql`now()` })
    .where(
      and(
        ofTable,
        inArray(
          columns.column,
          gone.map((entry) => entry.column),
        ),
      ),
    );
  return true;
}

const EXCLUDED = {
  identifier: sql`excluded.identifier`,
  attribute: sql`excluded.attribute`,
  property: sql`excluded.property`,
  type: sql`excluded.type`,
  metadataId: sql`excluded.metadata_id`,
};
