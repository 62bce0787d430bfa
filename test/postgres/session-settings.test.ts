import { expect, it } from 'vitest';
import { readStatus } from '../../src/operations/status.ts';
import { openPool } from '../../src/mirror/postgres.ts';
import { silent } from '../support/mirror.ts';
import { allDifferences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';

it('a database that ends long statements is asked not to', async () => {
  await using bench = await SyncBench.open();
  await bench.database.query(
    `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET statement_timeout = ''50ms''', current_database()); END $$`,
  );
  const pool = openPool({ url: bench.database.url, connections: 1, idleInTransaction: 10_000 }, silent);
  try {
    expect((await pool.query('SELECT pg_sleep(0.3)')).rowCount).toBe(1);
  } finally {
    await pool.end();
  }
});

it('a database that writes dates in the German way is mirrored into, and its times are read', async () => {
  await using bench = await SyncBench.open();
  await bench.database.query(
    `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET datestyle = ''German, DMY''', current_database()); END $$`,
  );
  bench.emulator.store.seed('account', 30);
  const begun = Date.now();
  expect(failures(await bench.sync(['account']))).toEqual({});
  expect(failures(await bench.sync(['account']))).toEqual({});
  expect(await allDifferences(bench.emulator.store, bench.database, ['account'])).toEqual([]);
  const pool = openPool({ url: bench.database.url, connections: 1, idleInTransaction: 10_000 }, silent);
  try {
    const options = { schema: 'dataverse', stateSchema: 'mirrorverse', url: undefined, tables: [] };
    const { tables } = await readStatus(pool, options);
    const success = Date.parse(tables[0]?.lastSuccessAt ?? '');
    expect(success).toBeGreaterThan(begun - 60_000);
    expect(success).toBeLessThan(Date.now() + 60_000);
  } finally {
    await pool.end();
  }
});
