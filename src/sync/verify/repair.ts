import { createComparisonRead } from '../../dataverse/feed/comparison-read.ts';
import { batches } from '../../dataverse/feed/keyed-pages.ts';
import { markIncomplete } from '../../dataverse/feed/incomplete-rows.ts';
import { livingRows } from '../../dataverse/feed/rows-by-key.ts';
import { versionReached } from '../../dataverse/feed/links.ts';
import { joinPages } from '../../dataverse/page/combined-rows.ts';
import { readCheckpoint } from '../../mirror/lease/leases.ts';
import { keyText, parseKey } from '../../mirror/page/row-key.ts';
import { correct } from '../../mirror/verify/repair-sql.ts';
import type { StateStore } from '../../mirror/state/store.ts';
import {
  eachDifference,
  readDifferences,
  recordRepairs,
  type RecordedDifference,
} from '../../mirror/verify/verify-records.ts';
import type { PageRows, RowId } from '../../model/page.ts';
import { CountedWork } from './counted-work.ts';
import type { Pace } from './share-pace.ts';
import type { TableJobParts, TableSettings } from '../run/table-job.ts';
import { withLease } from '../lease/held-lease.ts';
import { TablePreparation } from '../tables/table-preparation.ts';

/** Rows that are read together and stored in one transaction. */
const BATCH = 100;

/**
 * Makes the rows with recorded differences equal to the source's rows as they are now, under the lease. Each row is
 * read again: a row that came back is stored, and a row that is gone is deleted by the table's policy. A row of the
 * mirror that is newer than what was read stays.
 *
 * @param mayDelete whether so many extra rows may be deleted unasked. If they may not, they stay, and all other rows
 *   are repaired.
 * @param pace keeps the requests within a share of the budget; absent, the repair takes what is free.
 * @returns how many differences were repaired.
 * @throws Failure; the batch under way is rolled back. The signal's reason when aborted.
 */
export async function repairDifferences(
  settings: TableSettings,
  parts: TableJobParts,
  mayDelete: (extra: number) => boolean,
  signal: AbortSignal,
  pace?: Pace,
): Promise<number> {
  const { name: table } = settings;
  const { mirror, dataverse } = parts;
  const { open, openExtras } = await readDifferences(mirror.store, table, 0);
  const withExtras = mayDelete(openExtras);
  if (open - (withExtras ? 0 : openExtras) === 0) return 0;
  const counted = new CountedWork(table, dataverse, pace);
  let repaired = 0;
  for await (const batch of openRows(mirror.store, table, withExtras, counted)) {
    // The lease is free between two batches, so a delta waits for one batch at most.
    const { value } = await counted.run(signal, async () =>
      repairBatch(settings, parts, batch, counted.atOnce, signal),
    );
    repaired += value;
  }
  return repaired;
}

/**
 * Repairs some rows in one transaction, under the lease.
 *
 * @param atOnce requests for single rows at most.
 * @returns how many of them are repaired.
 */
async function repairBatch(
  settings: TableSettings,
  parts: TableJobParts,
  batch: readonly OpenRow[],
  atOnce: number,
  signal: AbortSignal,
): Promise<number> {
  const { name: table } = settings;
  const { mirror, dataverse } = parts;
  const { requestCounts } = dataverse.client;
  return withLease({ ...parts, requestCounts }, table, signal, async (lease) => {
    const ready = await new TablePreparation(settings, parts).make(lease, signal);
    const source = createComparisonRead(dataverse.client, ready.mirror.table, settings.pageSize, 'rows');
    const writer = mirror.writer(ready.mirror, lease);
    const comparison = mirror.comparison(ready.mirror, parts.leases.holder);
    // The lease is held, so the link stays as it is.
    const link = (await readCheckpoint(mirror.store, table))?.link ?? null;
    const reached = link?.kind === 'delta' ? (versionReached(link) ?? null) : null;
    try {
      const found = await source.readRows(
        batch.map(({ id }) => id),
        signal,
      );
      const missing = batch.filter((_, row) => (found.rowOf[row] ?? -1) < 0);
      const alone: (PageRows | 'unreadable' | null)[] = [];
      // A failure costs no request for the rows after it.
      for (const some of batches(missing, atOnce)) {
        alone.push(...(await Promise.all(some.map(async ({ id }) => source.readRow(id, signal)))));
      }
      const singles = alone.filter((row) => row !== null && row !== 'unreadable');
      const living = [livingRows(found), ...singles].map((page) => markIncomplete(page, ready.mirror.table));
      const extra = missing.filter((_, row) => alone[row] === null).map(({ id }) => id);
      const gone = extra.map((id) => keyText(id));
      const unread = missing.filter((_, row) => alone[row] === 'unreadable').map(({ key }) => key);
      const isLeft = new Set([...gone, ...unread]);
      // A missing row may be there marked deleted, with a version that the source never had. So may a row be that the
      // filter of the table keeps out: it lives at the source, and is extra here.
      const mayBeNewer = (kind: OpenRow['kind']): boolean =>
        kind === 'stale' || kind === 'missing' || (kind === 'extra' && ready.mirror.filter !== undefined);
      const stale = batch.filter(({ kind, key }) => mayBeNewer(kind) && !isLeft.has(key)).map(({ id }) => id);
      const page = joinPages(living);
      const { quarantined } = await writer.storeAgain(page, gone, signal, async (client) =>
        correct(client, mirror.store, ready.mirror, { extra, stale, reached }),
      );
      // A trigger may have changed what was written.
      const changed = page === null ? [] : await comparison.compare(page);
      // A row that cannot be read or stored still differs.
      const unmended = new Set([
        ...unread,
        ...quarantined.map(({ key }) => key),
        ...changed.map(({ id }) => keyText(id)),
      ]);
      const mended = batch.filter(({ key }) => !unmended.has(key)).map(({ key }) => key);
      await recordRepairs(mirror.store, table, mended);
      return mended.length;
    } finally {
      await writer.close();
    }
  });
}

/** A row with a recorded difference that is not repaired. */
interface OpenRow {
  readonly id: RowId;
  readonly key: string;
  readonly kind: RecordedDifference['kind'];
}

/**
 * The rows to repair, a batch at a time, so that memory stays bounded. An extra row costs a request of its own. So a
 * batch has no more of them than may be in flight at once, and a delta waits for no more.
 */
async function* openRows(
  store: StateStore,
  table: string,
  withExtras: boolean,
  counted: CountedWork,
): AsyncGenerator<readonly OpenRow[]> {
  let batch: OpenRow[] = [];
  let extras = 0;
  for await (const { key, kind, repaired } of eachDifference(store, table)) {
    const id = repaired || (kind === 'extra' && !withExtras) ? null : parseKey(key);
    if (id === null) continue;
    batch.push({ id, key, kind });
    if (kind === 'extra') extras++;
    if (batch.length < BATCH && extras < counted.atOnce) continue;
    yield batch;
    batch = [];
    extras = 0;
  }
  if (batch.length > 0) yield batch;
}
