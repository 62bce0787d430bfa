import { createComparisonRead } from '../../dataverse/feed/comparison-read.ts';
import { markIncomplete } from '../../dataverse/feed/incomplete-rows.ts';
import { livingRows } from '../../dataverse/feed/rows-by-key.ts';
import type { RowId } from '../../model/page.ts';
import { withLease } from '../lease/held-lease.ts';
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
 * @returns a function that throws Failure; the batch under way is rolled back then.
 */
export function refreshOf(settings: TableSettings, parts: TableJobParts): RefreshRows {
  const { mirror, dataverse } = parts;
  const { requestCounts } = dataverse.client;
  return async (rows, signal) =>
    withLease({ ...parts, requestCounts }, settings.name, signal, async (lease) => {
      const ready = await new TablePreparation(settings, parts).make(lease, signal);
      const { table } = ready.mirror;
      const source = createComparisonRead(dataverse.client, table, settings.pageSize, 'rows');
      const writer = mirror.writer(ready.mirror, lease);
      try {
        for (let at = 0; at < rows.length; at += BATCH) {
          const found = await source.readRows(rows.slice(at, at + BATCH), signal);
          await writer.storeAgain(markIncomplete(livingRows(found), table), [], signal);
        }
      } finally {
        await writer.close();
      }
    });
}
