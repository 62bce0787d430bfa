import { describe, expect, it } from 'vitest';
import { openBench } from '../support/bench.ts';
import { failedFinding, runCheck } from '../support/check-document.ts';
import { queryOnce } from '../support/cluster-support.ts';
import { allDifferences } from '../support/oracle.ts';
import { PGBOUNCER, startPgBouncer } from '../support/pgbouncer.ts';
import { failures, SyncBench } from '../support/sync.ts';

const TABLES = ['account', 'contact'];

describe.skipIf(PGBOUNCER === undefined)('PgBouncer before the database server', () => {
  it.each(['session', 'transaction'])(
    'PgBouncer in %s mode, with its own defaults, is a way to the database like any other',
    async (mode) => {
      await using bench = await SyncBench.open({}, 'administrator');
      await using bouncer = await startPgBouncer(bench.database.url, { pool_mode: mode });
      const { store } = bench.emulator;
      const options = { databaseUrl: bouncer.url, pageSize: 20 };
      const [first = '', second = ''] = store.seed('account', 50);
      store.seed('contact', 50);
      expect(failures(await bench.sync(TABLES, options))).toEqual({});
      {
        await using session = await bench.session(TABLES, options);
        store.update('account', first, { name: 'changed' });
        store.remove('account', second);
        store.seed('contact', 50);
        // The last one is idle.
        for (let pass = 0; pass < 3; pass++) expect(failures(await session.sync())).toEqual({});
        await bench.database.query(
          `UPDATE dataverse.account SET name = 'other' WHERE accountid = '${first}'; DELETE FROM dataverse.contact
            WHERE contactid = (SELECT contactid FROM dataverse.contact LIMIT 1)`,
        );
        for (const table of TABLES) {
          expect(await session.verify(table, 'values')).toMatchObject({ differences: 1 });
          expect(await session.repair(table)).toBe(1);
        }
      }
      expect(failures(await bench.sync(TABLES, options, { restart: true }))).toEqual({});
      expect(await allDifferences(store, bench.database, TABLES)).toEqual([]);
    },
  );

  it('PgBouncer in transaction mode is left with nothing of mirrorverse on its connections', async () => {
    await using bench = await SyncBench.open({}, 'administrator');
    const settings = { pool_mode: 'transaction', default_pool_size: 2 };
    await using bouncer = await startPgBouncer(bench.database.url, settings);
    const look = `SELECT current_setting('row_security') AS security, current_setting('lock_timeout') AS lock,
      current_setting('idle_in_transaction_session_timeout') AS idle, current_setting('client_min_messages') AS messages,
      (SELECT count(*)::int FROM pg_class WHERE relpersistence = 't') AS staged,
      (SELECT count(*)::int FROM pg_prepared_statements) AS prepared`;
    const before = await queryOnce(bench.database.url, look);
    for (const table of TABLES) bench.emulator.store.seed(table, 50);
    expect(failures(await bench.sync(TABLES, { databaseUrl: bouncer.url }))).toEqual({});
    for (const table of TABLES) bench.emulator.store.seed(table, 50);
    expect(failures(await bench.sync(TABLES, { databaseUrl: bouncer.url }))).toEqual({});
    expect(await queryOnce(bouncer.url, look)).toEqual(before);
    expect(await queryOnce(bouncer.url, `${look}, pg_sleep(0.1)`)).toMatchObject(before);
  });

  it('PgBouncer in transaction mode, with a role of hostile settings, is no way around the pinned settings', async () => {
    await using bench = await SyncBench.open({}, 'administrator');
    const { pathname } = new URL(bench.database.url);
    await using bouncer = await startPgBouncer(bench.database.url, { pool_mode: 'transaction' });
    const hostile = {
      timezone: 'Asia/Kathmandu',
      datestyle: 'German, DMY',
      statement_timeout: '50ms',
      idle_in_transaction_session_timeout: '50ms',
      default_transaction_read_only: 'on',
      default_transaction_isolation: 'serializable',
      standard_conforming_strings: 'off',
      quote_all_identifiers: 'on',
      array_nulls: 'off',
      exit_on_error: 'on',
    };
    const set = Object.entries(hostile).map(
      ([name, value]) => `ALTER DATABASE ${pathname.slice(1)} SET ${name} = '${value}'`,
    );
    await bench.database.query(set.join('; '));
    const { store } = bench.emulator;
    const [first = ''] = store.seed('account', 50);
    expect(failures(await bench.sync(TABLES, { databaseUrl: bouncer.url }))).toEqual({});
    store.update('account', first, { name: "it's \\n a name" });
    expect(failures(await bench.sync(TABLES, { databaseUrl: bouncer.url }))).toEqual({});
    await bench.database.query(`ALTER DATABASE ${pathname.slice(1)} RESET ALL`);
    expect(await allDifferences(store, bench.database, TABLES)).toEqual([]);
  });

  it('PgBouncer is reported by check', async () => {
    await using bench = await openBench(TABLES, {}, 'administrator');
    await using bouncer = await startPgBouncer(bench.database.url, { pool_mode: 'transaction' });
    const check = await runCheck(bench.cli, { DATABASE_URL: bouncer.url });
    expect(check.findings).toContainEqual(expect.objectContaining({ id: 'postgres.pooler', ok: true }));
  });

  it('PgBouncer in statement mode is named with its remedy, by check and by the first connection', async () => {
    await using bench = await openBench(TABLES, {}, 'administrator');
    await using bouncer = await startPgBouncer(bench.database.url, { pool_mode: 'statement' });
    const check = await runCheck(bench.cli, { DATABASE_URL: bouncer.url });
    expect(failedFinding(check, 'postgres.connect')).toMatchObject({ code: 'pooler-statement-mode' });
    const { status, stderr } = await bench.cli.run(['sync'], { DATABASE_URL: bouncer.url });
    expect(status).toBe(1);
    expect(stderr).toContain('pool_mode');
  });
});
