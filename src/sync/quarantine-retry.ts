import { createChangeFeed, type ChangeFeed } from '../dataverse/feed/change-feed.ts';
import { joinPages } from '../dataverse/page/combined-rows.ts';
import { markIncomplete } from '../dataverse/feed/incomplete-rows.ts';
import { livingRows } from '../dataverse/feed/rows-by-key.ts';
import type { PageWriter } from '../mirror/page/page-writer.ts';
import { listQuarantined, type QuarantineEntry } from '../mirror/quarantine/quarantined-rows.ts';
import { parseKey } from '../mirror/page/row-key.ts';
import type { Lease } from '../mirror/lease/leases.ts';
import type { StateStore } from '../mirror/state/store.ts';
import { toFailure, type Failure } from '../model/failure.ts';
import type { RowId } from '../model/page.ts';
import type { Table } from '../model/table.ts';
import type { TableJobParts, TableSettings } from './run/table-job.ts';
import { TablePreparation } from './tables/table-preparation.ts';
import { withLease } from './lease/held-lease.ts';

/** What happened to the rows of a table in quarantine. */
export interface RetryResult {
  readonly table: string;
  /** Rows that are stored now. */
  readonly stored: number;
  /** Rows that are no longer at the source. */
  readonly gone: number;
  /** Rows that are still in quarantine. */
  readonly quarantined: number;
  /** How many of these came without a key. A re-baseline brings them again, or somebody dismisses them. */
  readonly withoutKey: number;
  readonly failure: Failure | null;
}

/** Rows that are read together and stored in one transaction. */
const BATCH = 100;

/**
 * Reads a table's rows in quarantine again, by their keys, and stores those that can be stored now.
 * Rows that are gone leave quarantine. If the mirror has such a row, its tombstone will delete it. A failure of the
 * table is in the result.
 *
 * @throws the signal's reason when aborted; the batch under way is rolled back.
 */
export async function retryQuarantined(
  settings: TableSettings,
  parts: TableJobParts,
  signal: AbortSignal,
): Promise<RetryResult> {
  const { name: table } = settings;
  const { store } = parts.mirror;
  const done = { stored: 0, gone: 0 };
  let left: readonly QuarantineEntry[] = [];
  let failure: Failure | null = null;
  try {
    left = await waiting(store, table);
    if (left.some(hasKey)) {
      const { requestCounts } = parts.dataverse.client;
      await withLease({ ...parts, requestCounts }, table, signal, async (lease) =>
        retry(settings, parts, lease, done, signal),
      );
      left = await waiting(store, table);
    }
  } catch (error) {
    signal.throwIfAborted();
    failure = toFailure(error);
  }
  const withoutKey = left.filter((entry) => !hasKey(entry)).length;
  return { table, ...done, quarantined: left.length, withoutKey, failure };
}

/** A table's rows in quarantine that nobody has dismissed. */
async function waiting(store: StateStore, table: string): Promise<QuarantineEntry[]> {
  return (await listQuarantined(store, table)).filter(({ dismissedAt }) => dismissedAt === null);
}

function hasKey({ key }: QuarantineEntry): boolean {
  return parseKey(key) !== null;
}

async function retry(
  settings: TableSettings,
  parts: TableJobParts,
  lease: Lease,
  done: { stored: number; gone: number },
  signal: AbortSignal,
): Promise<void> {
  const { dataverse, mirror } = parts;
  const ready = await new TablePreparation(settings, parts).make(lease, signal);
  const feed = createChangeFeed(dataverse.client, ready.mirror.table, settings.pageSize);
  const writer = mirror.writer(ready.mirror, lease);
  try {
    // The lease is held, so nobody else changes the rows now.
    const rows = (await waiting(mirror.store, settings.name)).flatMap(({ key }) => {
      const id = parseKey(key);
      return id === null ? [] : [{ key, id }];
    });
    for (let at = 0; at < rows.length; at += BATCH) {
      const { stored, gone } = await retryBatch(
        rows.slice(at, at + BATCH),
        ready.mirror.table,
        feed,
        writer,
        signal,
      );
      done.stored += stored;
      done.gone += gone;
    }
  } finally {
    await writer.close();
  }
}

async function retryBatch(
  rows: readonly { readonly key: string; readonly id: RowId }[],
  table: Table,
  feed: ChangeFeed,
  writer: PageWriter,
  signal: AbortSignal,
): Promise<{ readonly stored: number; readonly gone: number }> {
  const found = await feed.readRows(
    rows.map(({ id }) => id),
    signal,
  );
  // Only a request for the row itself tells a row that is gone from a row that the identity may not read.
  const missing = rows.filter((_, at) => (found.rowOf[at] ?? -1) < 0);
  const alone = await Promise.all(missing.map(async ({ id }) => feed.readRow(id, signal)));
  const living = [livingRows(found), ...alone.filter((row) => row !== null)].map((page) =>
    markIncomplete(page, table),
  );
  const gone = missing.filter((_, at) => alone[at] === null).map(({ key }) => key);
  const { quarantined } = await writer.storeAgain(
    living.length === 0 ? null : joinPages(living),
    gone,
    signal,
  );
  return { stored: rows.length - gone.length - quarantined.length, gone: gone.length };
}
