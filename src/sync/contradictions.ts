import type { ChangeFeed } from '../dataverse/change-feed.ts';
import type { PageWriter } from '../mirror/page-writer.ts';
import { joinPages, type Page, type PageRows, type Tombstone } from '../model/page.ts';

/**
 * The page with its tombstones settled: each stands for one row, by its whole key, that is gone. A row
 * of which that is doubtful is read again; if it lives it is an upsert of this page.
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
  // Together: the budget bounds how many are in flight.
  const rows = await Promise.all(doubtful.map(async (id) => feed.readRow(id, signal)));
  const living: readonly PageRows[] = rows.filter((row) => row !== null);
  const gone = doubtful.filter((_, at) => rows[at] === null);
  const tombstones: Tombstone[] = [...certain, ...gone].map((id) => ({ ...id, reason: 'deleted' }));
  return { ...joinPages([page, ...living]), tombstones, link: page.link };
}
