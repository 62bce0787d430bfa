import type { ChangeFeed } from '../../dataverse/feed/change-feed.ts';
import { livingRows } from '../../dataverse/feed/rows-by-key.ts';
import type { PageWriter } from '../../mirror/page/page-writer.ts';
import { joinPages, type Page, type RowId, type Tombstone } from '../../model/page.ts';

/**
 * The page with its tombstones settled: each stands for one row, by its whole key, that is gone. Rows of
 * which that is doubtful are read again, many to a request; those that live are upserts of this page.
 *
 * Deleting and restoring a row between two polls yields an upsert and a tombstone, and the documented
 * order, deletes last, would then lose the restored row.
 */
export async function settleContradictions(
  page: Page,
  feed: ChangeFeed,
  writer: PageWriter,
  signal: AbortSignal,
): Promise<Page> {
  if (page.tombstones.length === 0) return page;
  const { certain, doubtful } = await writer.deletions(page);
  if (doubtful.length === 0) return { ...page, tombstones: asDeleted(certain) };
  const found = await feed.readRows(doubtful, signal);
  const missing = doubtful.filter((_, at) => (found.rowOf[at] ?? -1) < 0);
  const gone = missing.filter(({ reason }) => reason === 'deleted');
  // Of another reason nobody knows: it may be a row that the identity may not read any more, which only
  // a request for that row tells from one that is gone.
  const unclear = missing.filter(({ reason }) => reason !== 'deleted');
  const alone = await Promise.all(unclear.map(async (id) => feed.readRow(id, signal)));
  const living = [livingRows(found), ...alone.filter((row) => row !== null)];
  gone.push(...unclear.filter((_, at) => alone[at] === null));
  return {
    ...joinPages([page, ...living]),
    tombstones: asDeleted([...certain, ...gone]),
    link: page.link,
  };
}

function asDeleted(rows: readonly RowId[]): Tombstone[] {
  return rows.map(({ key, partition }) => ({
    key,
    ...(partition === undefined ? {} : { partition }),
    reason: 'deleted',
  }));
}
