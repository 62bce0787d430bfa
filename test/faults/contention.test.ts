import type { PoolClient } from 'pg';
import { describe, expect, it } from 'vitest';
import { column } from '../../src/emulator/table-parts/column-kinds.ts';
import { clusterPlace, queryOnce } from '../support/cluster-support.ts';
import type { TestDatabase } from '../support/database.ts';
import { testMirror } from '../support/mirror.ts';
import { allDifferences } from '../support/oracle.ts';
import { sqlFailpoint } from '../support/sql-failpoint.ts';
import { failures, SyncBench } from '../support/sync.ts';
import { registerTables, takeLease } from '../../src/mirror/lease/leases.ts';
import { transaction } from '../../src/mirror/connection/postgres.ts';

const TABLE = 'account';
const CODES = ['40P01', '40001', '55P03'];

/** Where the daemon writes, and at which row it loses. */
const PLACES = [
  ['a page', 'dataverse.account', 150],
  ['a checkpoint', 'mirrorverse.tables', 3],
  ['a lease', 'mirrorverse.tables', 1],
] as const;

describe('work that loses against another transaction', () => {
  it.for(PLACES)('work that loses against another transaction is repeated: %s', async ([, table, at]) => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed(TABLE, 50);
    await using session = await bench.session([TABLE], { pageSize: 100 });
    expect(failures(await session.sync())).toEqual({});
    for (const sqlstate of CODES) {
      bench.emulator.store.seed(TABLE, 160);
      await using failpoint = await sqlFailpoint(bench.database, { table, sqlstate, at, times: 2 });
      expect(failures(await session.sync())).toEqual({});
      expect(await failpoint.passed()).toBeGreaterThan(at + 1);
      expect(await allDifferences(bench.emulator.store, bench.database, [TABLE])).toEqual([]);
    }
  });

  it('the preparation of a mirror table that loses against another transaction is repeated', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed(TABLE, 50);
    await using session = await bench.session([TABLE]);
    const options = { table: 'mirrorverse.columns', sqlstate: '40P01', times: 2 };
    await using failpoint = await sqlFailpoint(bench.database, options);
    expect(failures(await session.sync())).toEqual({});
    expect(await failpoint.passed()).toBeGreaterThan(2);
    expect(await allDifferences(bench.emulator.store, bench.database, [TABLE])).toEqual([]);
  });

  it('work that loses again and again is repeated a handful of times, and then says that PostgreSQL cannot serve', async () => {
    await using bench = await testMirror();
    const { database, mirror } = bench;
    const options = { table: 'mirrorverse.tables', sqlstate: '40001', times: Infinity } as const;
    await using failpoint = await sqlFailpoint(database, { ...options, each: 'STATEMENT' });
    const work = transaction(mirror.pool, async (client) =>
      registerTables(mirror.store.on(client), ['lead']),
    );
    await expect(work).rejects.toMatchObject({ code: 'database-unavailable', reaction: 'retry' });
    expect(await failpoint.passed()).toBe(6);
    await failpoint.remove();
    expect(await takeLease(mirror.store, 'account', 'test', 1_000)).not.toBeNull();
  });
});

/** Waits until somebody waits for a lock on a relation that shuts readers out. */
async function strongLockWaitedFor(database: TestDatabase, relation: string): Promise<void> {
  const waiting = async (): Promise<number> => {
    const rows = await database.query(
      `SELECT FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock' AND relation = to_regclass($1)`,
      [relation],
    );
    return rows.length;
  };
  await expect.poll(waiting, { timeout: 20_000, interval: 5 }).toBeGreaterThan(0);
}

async function reader(database: TestDatabase, relation: string): Promise<PoolClient> {
  const client = await database.pool.connect();
  await client.query('BEGIN');
  await client.query(`LOCK TABLE ${relation} IN ACCESS SHARE MODE`);
  return client;
}

describe('a reader with a long transaction', () => {
  it('a reader with a long transaction does not hold up other readers, although the table that it reads waits to be altered', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed(TABLE, 50);
    expect(failures(await bench.sync([TABLE]))).toEqual({});
    for (const softDeletes of [true, false]) {
      const slow = await reader(bench.database, 'dataverse.account');
      const pass = bench.sync([TABLE], { softDeletes });
      await strongLockWaitedFor(bench.database, 'dataverse.account');
      // Would wait until the slow one is done, which it is not before.
      expect(await bench.database.query('SELECT FROM dataverse.account')).toHaveLength(50);
      await slow.query('COMMIT');
      slow.release();
      expect(failures(await pass)).toEqual({});
      expect(await allDifferences(bench.emulator.store, bench.database, [TABLE])).toEqual([]);
    }
  });

  it('a reader of the keys of a re-baseline, such as a dump of hours, holds up no sweep and no further load', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    const ids = store.seed(TABLE, 50);
    expect(failures(await bench.sync([TABLE]))).toEqual({});
    const name = 'mirrorverse.seen_1_account';
    let dump: Promise<PoolClient> | undefined;
    const onPage = (): void => void (dump ??= reader(bench.database, name));
    for (const id of ids.slice(0, 2)) {
      store.remove(TABLE, id);
      const pass = bench.sync([TABLE], { pageSize: 10 }, { restart: true, onPage });
      expect(failures(await pass)).toEqual({});
      expect(await allDifferences(store, bench.database, [TABLE])).toEqual([]);
    }
    const client = await dump;
    await client?.query('COMMIT');
    client?.release();
    store.remove(TABLE, ids[2] ?? '');
    expect(failures(await bench.sync([TABLE], {}, { restart: true }))).toEqual({});
    expect(await allDifferences(store, bench.database, [TABLE])).toEqual([]);
    expect(await bench.database.query('SELECT to_regclass($1) AS left', [name])).toEqual([{ left: null }]);
  });
});

it('a vacuum that PostgreSQL began by itself makes way for a new column, however long it would take', async () => {
  await using place = await clusterPlace();
  const { url } = await place.open();
  await using bench = await SyncBench.open();
  const { store } = bench.emulator;
  store.seed(TABLE, 2_000);
  expect(failures(await bench.sync([TABLE], { databaseUrl: url }))).toEqual({});
  await queryOnce(url, `ALTER SYSTEM SET autovacuum_naptime = '1s'`);
  await queryOnce(url, 'SELECT pg_reload_conf()');
  await queryOnce(
    url,
    `ALTER TABLE dataverse.account SET (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0,
      autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)`,
  );
  await queryOnce(url, 'UPDATE dataverse.account SET _mirrored_at = now()');
  const vacuums = async (): Promise<unknown[]> =>
    queryOnce(url, `SELECT FROM pg_stat_progress_vacuum WHERE relid = 'dataverse.account'::regclass`);
  await expect.poll(vacuums, { timeout: 20_000 }).toHaveLength(1);
  store.addColumn(TABLE, column('String', 'new_Fax', ['Fax', 'Fax'], { maxLength: 50, format: 'Text' }));
  expect(failures(await bench.sync([TABLE], { databaseUrl: url }))).toEqual({});
});
