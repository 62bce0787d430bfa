import { setTimeout as delay } from 'node:timers/promises';
import { describe, it } from 'vitest';
import { databaseServerUrl } from '../support/database.ts';
import { queryOnce } from '../support/cluster-support.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { allDifferences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';

const TABLE = 'account';
/** Milliseconds; a dead connection would be found in about as long. */
const LEASE = 6_000;

// They wait more than they work.
describe.concurrent('a connection that is only slow', () => {
  it('a connection that is only slow is left alone, however long a page takes', async ({ expect }) => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed(TABLE, 400);
    await using proxy = await FaultProxy.between(bench.database.url);
    const url = proxy.url(bench.database.url);
    await using session = await bench.session([TABLE], {
      pageSize: 200,
      leaseDuration: LEASE,
      databaseUrl: url,
    });
    // What a page takes is several looks' time.
    proxy.bandwidth = 50_000;
    const results = await session.sync();
    proxy.bandwidth = Infinity;
    expect(failures(results)).toEqual({});
    expect(await allDifferences(bench.emulator.store, bench.database, [TABLE])).toEqual([]);
    // Two pages and a delta: nothing was begun again.
    expect(bench.dataRequests()).toBe(3);
  });

  it('a connection that is only slow is left alone while a statement waits for a lock', async ({
    expect,
  }) => {
    await using bench = await SyncBench.open();
    const [id = ''] = bench.emulator.store.seed(TABLE, 10);
    await using proxy = await FaultProxy.between(bench.database.url);
    const url = proxy.url(bench.database.url);
    await using session = await bench.session([TABLE], { leaseDuration: LEASE, databaseUrl: url });
    expect(failures(await session.sync())).toEqual({});
    bench.emulator.store.update(TABLE, id, { name: 'changed' });
    const client = await bench.database.pool.connect();
    await client.query('BEGIN');
    await client.query(`SELECT FROM dataverse.account WHERE accountid = $1 FOR UPDATE`, [id]);
    const before = proxy.accepted;
    const pass = session.sync();
    await delay(1.5 * LEASE);
    const looks = proxy.accepted - before;
    await client.query('COMMIT');
    client.release();
    const [result] = await pass;
    expect(result).toMatchObject({ failure: null, pages: 1, rowsWritten: 1 });
    // Beside a connection for the page.
    expect(looks).toBeGreaterThan(2);
  });

  it('a connection that is only slow is left alone while the server has no place for a question about it', async ({
    expect,
  }) => {
    await using bench = await SyncBench.open();
    const [id = ''] = bench.emulator.store.seed(TABLE, 10);
    await using session = await bench.session([TABLE], { leaseDuration: LEASE });
    expect(failures(await session.sync())).toEqual({});
    bench.emulator.store.update(TABLE, id, { name: 'changed' });
    bench.emulator.requests.clear();
    const client = await bench.database.pool.connect();
    const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name');
    const admit = async (who: boolean): Promise<unknown> =>
      queryOnce(databaseServerUrl(), `ALTER DATABASE ${rows[0]?.name} ALLOW_CONNECTIONS ${who}`);
    await client.query('BEGIN');
    await client.query(`SELECT FROM dataverse.account WHERE accountid = $1 FOR UPDATE`, [id]);
    const pass = session.sync();
    const waits = async (): Promise<number | null> =>
      (
        await client.query(
          `SELECT FROM pg_stat_activity WHERE wait_event = 'transactionid' AND datname = current_database()`,
        )
      ).rowCount;
    await expect.poll(waits, { timeout: 10_000 }).toBe(1);
    await admit(false);
    await delay(1.5 * LEASE);
    await admit(true);
    await client.query('COMMIT');
    client.release();
    expect(await pass).toMatchObject([{ failure: null, pages: 1, rowsWritten: 1 }]);
    expect(bench.dataRequests()).toBe(1);
  });
});
