import { afterEach, describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { allDifferences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';

const TABLE = 'account';
/** Milliseconds; a dead connection is found in about as long. */
const LEASE = 3_000;

/** Sessions of the daemon that are in the middle of something. */
async function busySessions(database: TestDatabase): Promise<unknown[]> {
  return database.query(
    `SELECT state, query FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'mirrorverse' AND state <> 'idle'`,
  );
}

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each[Symbol.asyncDispose]();
});

async function setUp(rows: number) {
  const bench = await SyncBench.open();
  open.push(bench);
  const ids = bench.emulator.store.seed(TABLE, rows);
  const proxy = await FaultProxy.between(bench.database.url);
  open.push(proxy);
  const options = { pageSize: 100, leaseDuration: LEASE, databaseUrl: proxy.url(bench.database.url) };
  const session = await bench.session([TABLE], options);
  open.push(session);
  return { bench, ids, proxy, session };
}

/** Passes once over a connection that goes dead as told; what is then wrong, and what is left behind. */
async function wrongAfter(
  strike: (proxy: FaultProxy, ids: readonly string[]) => Promise<void>,
): Promise<unknown[]> {
  const { bench, ids, proxy, session } = await setUp(300);
  const struck = strike(proxy, ids);
  const results = await session.sync();
  await struck;
  const wrong = await allDifferences(bench.emulator.store, bench.database, [TABLE]);
  await expect.poll(async () => busySessions(bench.database), { timeout: 10_000 }).toEqual([]);
  return [...Object.values(failures(results)), ...wrong];
}

/** At a row of the second page. */
async function inMiddleOfCopy(proxy: FaultProxy, ids: readonly string[]): Promise<void> {
  return proxy.swallow(ids[150] ?? '', 'toServer', { cut: 'blackhole' });
}

describe('a connection that goes dead without a word', () => {
  it.for([
    ['before a COPY is sent', 'COPY ', 'toServer', 1],
    ['before a COMMIT is sent', 'COMMIT\0', 'toServer', 3],
    ['before a COMMIT is answered', 'COMMIT\0', 'toClient', 3],
  ] as const)('%s is given up, and its session ended', async ([, pattern, direction, occurrence]) => {
    const strike = async (proxy: FaultProxy): Promise<void> =>
      proxy.swallow(pattern, direction, { cut: 'blackhole', occurrence });
    expect(await wrongAfter(strike)).toEqual([]);
  });

  it('in the middle of a COPY is given up, and its session ended', async () => {
    expect(await wrongAfter(inMiddleOfCopy)).toEqual([]);
  });

  it('while it was idle costs one small statement its patience', async () => {
    const { bench, ids, proxy, session } = await setUp(100);
    expect(failures(await session.sync())).toEqual({});
    bench.emulator.store.update(TABLE, ids[0] ?? '', { name: 'changed' });
    proxy.blackhole({ fresh: false });
    expect(failures(await session.sync())).toEqual({});
    expect(await allDifferences(bench.emulator.store, bench.database, [TABLE])).toEqual([]);
  });
});
