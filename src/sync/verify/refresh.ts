import { createComparisonRead } from '../../dataverse/feed/comparison-read.ts';
import { markIncomplete } from '../../dataverse/feed/incomplete-rows.ts';
import { livingRows } from '../../dataverse/feed/rows-by-key.ts';
import type { Lease } from '../../mirror/lease/leases.ts';
import type { MirrorTable } from '../../mirror/table/mirror-table.ts';
import type { RowId } from '../../model/page.ts';
import { withLease } from '../lease/held-lease.ts';
import { CountedWork } from './counted-work.ts';
import type { Pace } from './share-pace.ts';
import type { TableJobParts, TableSettings } from '../run/table-job.ts';
import { TablePreparation } from '../tables/table-preparation.ts';

/** Rows that are read together and stored in one transaction. */
const BATCH = 100;

/** Reads rows again and stores them. */
export type RefreshRows = (rows: readonly RowId[], signal: AbortSignal) => Promise<void>;

/**
 * Makes the refresh of a table's rows whose calculated, rollup and formula columns changed. These columns change
 * without a new row version, so no delta brings them, and a difference in them is no fault of the mirror.
 *
 * A refresh reads the rows again under the lease, and stores them as a page is stored: a newer row of the mirror stays,
 * and a row that is gone at the source is left to its tombstone.
 *
 * @param pace keeps the requests within a share of the budget; absent, the refresh takes what is free.
 * @returns a function that throws Failure; the batch under way is rolled back then.
 */
export function refreshOf(settings: TableSettings, parts: TableJobParts, pace?: Pace): RefreshRows {
  const { requestCounts } = parts.dataverse.client;
  const counted = new CountedWork(settings.name, parts.dataverse, pace);
  return async (rows, signal) => {
    for (let at = 0; at < rows.length; at += BATCH) {
      const batch = rows.slice(at, at + BATCH);
      // The lease is free between two batches, so a delta waits for one batch at most.
      await counted.run(signal, async () =>
        withLease({ ...parts, requestCounts }, settings.name, signal, async (lease) => {
          const ready = await new TablePreparation(settings, parts).make(lease, signal);
          await refreshBatch(parts, ready.mirror, settings.pageSize, lease, batch, signal);
        }),
      );
    }
  };
}

async function refreshBatch(
  { mirror, dataverse }: TableJobParts,
  table: MirrorTable,
  pageSize: number,
  lease: Lease,
  rows: readonly RowId[],
  signal: AbortSignal,
): Promise<void> {
  const source = createComparisonRead(dataverse.client, table.table, pageSize, 'rows');
  const found = await source.readRows(rows, signal);
  const writer = mirror.writer(table, lease);
  try {
    await writer.storeAgain(markIncomplete(livingRows(found), table.table), [], signal);
  } finally {
    await writer.close();
  }
}
