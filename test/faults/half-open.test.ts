import { describe, it, type ExpectStatic } from 'vitest';
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

async function setUp(rows: number) {
  await using opened = new AsyncDisposableStack();
  const bench = opened.use(await SyncBench.open());
  const ids = bench.emulator.store.seed(TABLE, rows);
  const proxy = opened.use(await FaultProxy.between(bench.database.url));
  const options = { pageSize: 100, leaseDuration: LEASE, databaseUrl: proxy.url(bench.database.url) };
  const session = opened.use(await bench.session([TABLE], options));
  const open = opened.move();
  return { bench, ids, proxy, session, [Symbol.asyncDispose]: async () => open.disposeAsync() };
}

/** Passes once over a connection that goes dead as told; what is then wrong, and what is left behind. */
async function wrongAfter(
  expect: ExpectStatic,
  strike: (proxy: FaultProxy, ids: readonly string[]) => Promise<void>,
): Promise<unknown[]> {
  await using all = await setUp(300);
  const { bench, ids, proxy, session } = all;
  const struck = strike(proxy, ids);
  const results = await session.sync();
  await struck;
  const wrong = await allDifferences(bench.emulator.store, bench.database, [TABLE]);
  await expect.poll(async () => busySessions(bench.database), { timeout: 10_000 }).toEqual([]);
  return [...Object.values(failures(results)), ...wrong];
}

/** At a row of the second page, whose key goes as its sixteen bytes. */
async function inMiddleOfCopy(proxy: FaultProxy, ids: readonly string[]): Promise<void> {
  const key = Buffer.from((ids[150] ?? '').replaceAll('-', ''), 'hex').toString('latin1');
  return proxy.swallow(key, 'toServer', { cut: 'blackhole' });
}

// They wait more than they work.
describe.concurrent('a connection that goes dead without a word', () => {
  it.for([
    ['before a COPY is sent', 'COPY ', 'toServer', 1],
    ['before a COMMIT is sent', 'COMMIT\0', 'toServer', 3],
    ['before a COMMIT is answered', 'COMMIT\0', 'toClient', 3],
  ] as const)(
    'a connection that goes dead %s is given up, and its session ended',
    async ([, pattern, direction, occurrence], { expect }) => {
      const strike = async (proxy: FaultProxy): Promise<void> =>
        proxy.swallow(pattern, direction, { cut: 'blackhole', occurrence });
      expect(await wrongAfter(expect, strike)).toEqual([]);
    },
  );

  it('a connection that goes dead in the middle of a COPY is given up, and its session ended', async ({
    expect,
  }) => {
    expect(await wrongAfter(expect, inMiddleOfCopy)).toEqual([]);
  });

  it('a connection that went dead while it was idle costs one small statement its patience', async ({
    expect,
  }) => {
    await using all = await setUp(100);
    const { bench, ids, proxy, session } = all;
    expect(failures(await session.sync())).toEqual({});
    bench.emulator.store.update(TABLE, ids[0] ?? '', { name: 'changed' });
    proxy.blackhole({ fresh: false });
    expect(failures(await session.sync())).toEqual({});
    expect(await allDifferences(bench.emulator.store, bench.database, [TABLE])).toEqual([]);
  });
});
