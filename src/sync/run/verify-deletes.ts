import { joinPages } from '../../dataverse/page/combined-rows.ts';
import type { PageSource } from '../../dataverse/feed/change-feed.ts';
import { livingRows } from '../../dataverse/feed/rows-by-key.ts';
import type { PageWriter } from '../../mirror/page/page-writer.ts';
import type { PlainPage, RowId, Tombstone } from '../../model/page.ts';

/**
 * The page with certain tombstones only. A certain tombstone names the whole key of a row that is gone. Rows of
 * doubtful tombstones are read again, many rows in one request. Rows that still live become upserts of this page.
 *
 * A row that was deleted and restored between two polls comes as an upsert and as a tombstone. The
 * documented order, deletes last, would then lose the restored row.
 */
export async function verifyDeletes(
  page: PlainPage,
  source: PageSource,
  writer: PageWriter,
  signal: AbortSignal,
): Promise<PlainPage> {
  if (page.tombstones.length === 0) return page;
  const { certain, doubtful } = await writer.deletions(page);
  if (doubtful.length === 0) return { ...page, tombstones: asDeleted(certain) };
  const found = await source.readRows(doubtful, signal);
  const missing = doubtful.filter((_, at) => (found.rowOf[at] ?? -1) < 0);
  const gone = missing.filter(({ reason }) => reason === 'deleted');
  // A tombstone with another reason may be about a row that the identity may not read any more. Only a
  // request for the row itself tells such a row from a row that is gone.
  const unclear = missing.filter(({ reason }) => reason !== 'deleted');
  const alone = await Promise.all(unclear.map(async (id) => source.readRow(id, signal)));
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
