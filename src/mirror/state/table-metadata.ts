import type { Table } from '../../model/table.ts';
import type { StateStore } from './store.ts';
import { and, eq } from './drizzle.ts';

/**
 * Notes what the mirror table was last prepared for, in the transaction that prepared it.
 *
 * What a sweep may then delete is settled: all of those rows.
 *
 * @param pending changes at the source that wait for somebody's word.
 * @returns whether it is another table than before under the same name: the source's was removed and
 *   made again, and none of the rows that are here is one of it.
 */
export async function recordMetadata(
  store: StateStore,
  { logicalName, metadataId }: Table,
  pending: string | null,
): Promise<boolean> {
  const { tables } = store.tables;
  const ofTable = and(eq(tables.environmentId, store.environmentId), eq(tables.table, logicalName));
  const noted = { metadataId: tables.metadataId, pending: tables.pending };
  const [before] = await store.db.select(noted).from(tables).where(ofTable);
  const known = before?.metadataId ?? null;
  const now = metadataId ?? known;
  const remade = known !== null && known !== now;
  if (before?.pending !== pending || known !== now) {
    // However many rows it leaves out, the load of another table says nothing about a lost privilege.
    const allowed = remade ? { unseenRows: null, sweepAllowed: true } : {};
    await store.db
      .update(tables)
      .set({ pending, metadataId: now, ...allowed })
      .where(ofTable);
  }
  return remade;
}
