import type { ChangeFeed } from '../dataverse/change-feed.ts';
import type { PageWriter } from '../mirror/page-writer.ts';
import { joinPages, type Page, type PageRows, type Tombstone } from '../model/page.ts';

/**
 * The page with its doubtful tombstones settled: where the row also came as an upsert in this delta,
 * or the reason is not a plain deletion, the row is read again. If it lives it is an upsert of this
 * page, else its tombstone stands.
 *
 * Deleting and restoring a row between two polls yields both, and the documented order, deletes last,
 * would then lose the restored row.
 */
export async function settleContradictions(
  page: Page,
  feed: ChangeFeed,
  writer: PageWriter,
  signal: AbortSignal,
): Promise<Page> {
  if (page.tombstones.length === 0) return page;
  const contradicted = await writer.contradicted(page);
  const doubtful = (tombstone: Tombstone): boolean =>
    contradicted.has(tombstone.key) || tombstone.reason !== 'deleted';
  const living: PageRows[] = [];
  const tombstones: Tombstone[] = [];
  for (const tombstone of page.tombstones) {
    const row = doubtful(tombstone) ? await feed.readRow(tombstone, signal) : null;
    if (row === null) tombstones.push(tombstone);
    else living.push(row);
  }
  return { ...joinPages([page, ...living]), tombstones, link: page.link };
}
