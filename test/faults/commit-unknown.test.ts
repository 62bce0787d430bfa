import { describe, expect, it } from 'vitest';
import { allDifferences } from '../support/oracle.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { failures, SyncBench } from '../support/sync.ts';
import { versionsThatWentDown, watchVersions } from '../support/version-journal.ts';

const TABLE = 'account';
const ROWS = 500;
const PAGES = 10;

interface Ran {
  readonly pages: number;
  readonly rowsRead: number;
  readonly rowsWritten: number;
  readonly runs: unknown[];
  readonly requests: number;
  readonly warnings: readonly string[];
}

/** A baseline of ten pages whose n-th COMMIT of a page is cut off. */
async function cutAt(page: number, direction: 'toServer' | 'toClient'): Promise<Ran> {
  await using bench = await SyncBench.open();
  const { store } = bench.emulator;
  store.seed(TABLE, ROWS);
  await using proxy = await FaultProxy.between(bench.database.url);
  const warnings: string[] = [];
  const options = {
    pageSize: ROWS / PAGES,
    databaseUrl: proxy.url(bench.database.url),
    warn: (text: string) => warnings.push(text),
  };
  await using session = await bench.session([TABLE], options);
  // The first COMMIT is the preparation's.
  const struck = proxy.swallow('COMMIT\0', direction, { occurrence: page + 1 });
  const [result] = await session.sync();
  await struck;
  expect(failures(result === undefined ? [] : [result])).toEqual({});
  expect(await allDifferences(store, bench.database, [TABLE])).toEqual([]);

  await watchVersions(bench.database, TABLE, `${TABLE}id`);
  const [row] = store.rows(TABLE);
  store.update(TABLE, row?.id ?? '', { name: 'changed since' });
  expect(failures(await session.sync())).toEqual({});
  expect(await allDifferences(store, bench.database, [TABLE])).toEqual([]);
  expect(await versionsThatWentDown(bench.database)).toEqual([]);
  const runs = await bench.database.query(
    'SELECT pages, rows_read::integer, error_code FROM mirrorverse.runs ORDER BY finished_at LIMIT 1',
  );
  const { pages = 0, rowsRead = 0, rowsWritten = 0 } = result ?? {};
  return { pages, rowsRead, rowsWritten, runs, requests: bench.dataRequests(), warnings };
}

describe('a COMMIT whose answer never came', () => {
  it('a COMMIT whose answer never came, and that PostgreSQL has, is not repeated: its page is not fetched or counted again', async () => {
    const { pages, rowsRead, rowsWritten, runs, requests, warnings } = await cutAt(4, 'toClient');
    // Of ten pages one was stored unseen. Two deltas follow: a load that was gone on with has an old one.
    expect(pages).toBe(PAGES - 1 + 2);
    expect(rowsRead).toBe(ROWS - ROWS / PAGES);
    expect(rowsWritten).toBe(rowsRead);
    expect(runs).toEqual([{ pages, rows_read: rowsRead, error_code: null }]);
    // The page that was read ahead is read again; the last one is the second pass's delta.
    expect(requests).toBe(PAGES + 1 + 2 + 1);
    expect(warnings.some((text) => text.includes('goes on when it can'))).toBe(true);
  });

  it('a COMMIT whose answer never came, and that PostgreSQL never had, is repeated, and its page is counted once', async () => {
    const { pages, rowsRead, rowsWritten } = await cutAt(4, 'toServer');
    expect(pages).toBe(PAGES + 2);
    expect(rowsRead).toBe(ROWS);
    expect(rowsWritten).toBe(ROWS);
  });

  it('a COMMIT whose answer never came is treated alike for the very first page and the very last one', async () => {
    for (const page of [1, PAGES]) {
      for (const direction of ['toServer', 'toClient'] as const) {
        const { rowsRead } = await cutAt(page, direction);
        expect(rowsRead).toBeLessThanOrEqual(ROWS);
      }
    }
  });
});
