import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBench, syncJson, type Bench } from '../support/bench.ts';
import { loggedCodes } from '../support/command-line.ts';

describe('pause, resume, resync and forget', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await openBench(['account', 'contact', 'lead', 'con*']);
    for (const table of ['account', 'contact', 'lead']) bench.emulator.store.seed(table, 5);
    await bench.cli.run(['sync']);
  }, 60_000);
  afterAll(async () => bench[Symbol.asyncDispose]());

  const statusOf = async (table: string): Promise<Record<string, unknown> | undefined> => {
    const { document } = await bench.cli.json(['status', '--json']);
    return (document as { tables: Record<string, unknown>[] }).tables.find((each) => each['table'] === table);
  };

  it('pause stops a table for sync and backfill, status says so, and resume lets it go on', async () => {
    const paused = await bench.cli.json(['pause', 'account', '--reason', 'audit', '--json']);
    expect(paused).toMatchObject({
      status: 0,
      document: { tables: [{ table: 'account', paused: { reason: 'audit' }, resyncAskedAt: null }] },
    });
    const status = await statusOf('account');
    expect(status).toMatchObject({ phase: 'paused', error: null, paused: { reason: 'audit' } });
    const { since = '', until = '' } = (status?.['paused'] ?? {}) as Record<string, string>;
    const days = (Date.parse(until) - Date.parse(since)) / 86_400_000;
    expect(days).toBeGreaterThan(5.5);
    expect(days).toBeLessThan(5.7);
    for (const command of [['sync'], ['backfill', '--restart']]) {
      const { status: exit, tables } = await syncJson(bench.cli, [...command, '--json']);
      expect(exit).toBe(1);
      const codes = tables.map(({ table, error }) => [table, error?.code]);
      expect(codes).toContainEqual(['account', 'table-paused']);
      expect(codes.filter(([, code]) => code !== undefined)).toHaveLength(1);
    }
    const { stdout, stderr } = await bench.cli.run(['sync', 'account']);
    expect(stdout).toMatch(/account +paused/);
    expect(stderr).toContain('audit');
    expect((await bench.cli.run(['resume', 'account'])).stdout).toBe('account goes on.\n');
    expect((await bench.cli.run(['resume', 'account'])).stdout).toBe('account was not paused.\n');
    expect((await syncJson(bench.cli, ['sync', '--json'])).status).toBe(0);
    expect(await statusOf('account')).toMatchObject({ phase: 'delta', paused: null });
  }, 60_000);

  it('pause takes patterns and an end, and refuses what it does not know', async () => {
    const { document } = await bench.cli.json(['pause', 'con*', '--for', '2h', '--json']);
    const [entry] = (document as { tables: { table: string; paused: { until: string } }[] }).tables;
    expect(entry?.table).toBe('contact');
    expect(Math.abs(Date.parse(entry?.paused.until ?? '') - Date.now() - 7_200_000)).toBeLessThan(60_000);
    await bench.cli.run(['resume', 'contact']);
    for (const words of [
      ['account', 'acount'],
      ['account', 'nothing*'],
    ]) {
      const { status, stdout, stderr } = await bench.cli.run(['pause', ...words]);
      expect({ status, stdout, codes: loggedCodes(stderr) }).toEqual({
        status: 1,
        stdout: '',
        codes: ['table-not-known'],
      });
      expect(stderr.includes('Did you mean account?')).toBe(words.includes('acount'));
    }
    expect((await bench.cli.run(['pause', 'account', '--for', 'ever'])).status).toBe(2);
    expect(await statusOf('account')).toMatchObject({ paused: null });
  });

  it('_freshness tells up to which version of the environment a table is complete', async () => {
    const [fresh] = await bench.database.query(
      `SELECT phase, lag_seconds, rows_loaded, complete_through_version::float8 AS version FROM dataverse._freshness WHERE table_name = 'lead'`,
    );
    expect(fresh).toMatchObject({
      phase: 'delta',
      lag_seconds: expect.any(Number) as number,
      rows_loaded: null,
    });
    expect(fresh?.['version']).toBeGreaterThan(0);
  });

  it('resync has the next sync load the table anew', async () => {
    const { document } = await bench.cli.json(['resync', 'account', '--json']);
    expect(document).toMatchObject({
      tables: [{ table: 'account', resyncAskedAt: expect.any(String) as string }],
    });
    const { tables } = await syncJson(bench.cli, ['sync', 'account', '--json']);
    expect(tables).toMatchObject([{ table: 'account', phase: 'rebaseline', error: null }]);
  });

  it('forget refuses a configured table, and removes what is kept of any other', async () => {
    const { database, cli } = bench;
    for (const table of ['lead', 'contact']) {
      const refused = await cli.run(['forget', table]);
      expect({ status: refused.status, codes: loggedCodes(refused.stderr) }).toEqual({
        status: 1,
        codes: ['table-configured'],
      });
    }
    // A pattern means contact still.
    const rest = { MIRRORVERSE_TABLES: 'account,con*' };
    expect(loggedCodes((await cli.run(['forget', 'contact', '--drop'], rest)).stderr)).toEqual([
      'table-configured',
    ]);
    await database.query(
      `UPDATE mirrorverse.tables SET lease_holder = 'x', lease_expires_at = now() + interval '1 hour' WHERE "table" = 'lead'`,
    );
    expect(loggedCodes((await cli.run(['forget', 'lead'], rest)).stderr)).toEqual(['lease-held']);
    await database.query('UPDATE mirrorverse.tables SET lease_holder = NULL, lease_expires_at = NULL');
    // Another daemon lives, and has polled the table.
    const other = new Client({ connectionString: database.url, application_name: 'mirrorverse' });
    await other.connect();
    await database.query(`UPDATE mirrorverse.tables SET last_attempt_at = now() WHERE "table" = 'lead'`);
    expect(loggedCodes((await cli.run(['forget', 'lead'], rest)).stderr)).toEqual(['lease-held']);
    expect((await cli.run(['status'], rest)).stdout).toContain('Another process mirrors it');
    await other.end();
    expect((await cli.run(['forget', 'lead', 'nothing'], rest)).status).toBe(1);
    await database.query(
      `INSERT INTO mirrorverse.quarantine (environment_id, "table", key, reason) SELECT id, 'lead', 'k', 'r' FROM mirrorverse.environments`,
    );
    expect((await cli.run(['forget', 'lead'], rest)).stdout).toBe('lead is forgotten.\n');
    expect(await statusOf('lead')).toMatchObject({ phase: 'new', rows: 0 });
    for (const kept of ['tables', 'runs', 'columns', 'settings', 'definitions', 'quarantine', 'verified']) {
      expect(await database.query(`SELECT FROM mirrorverse."${kept}" WHERE "table" = 'lead'`)).toEqual([]);
    }
    expect(await database.query('SELECT FROM dataverse.lead')).toHaveLength(5);
    expect(await database.query(`SELECT FROM dataverse._loads WHERE table_name = 'lead'`)).toEqual([]);
    const [asked] = await database.query(
      `SELECT asked_via FROM mirrorverse.commands WHERE command = 'forget'`,
    );
    expect(asked).toEqual({ asked_via: 'cli' });
    // The table comes back over its rows.
    expect(await syncJson(cli, ['sync', 'lead', '--json'])).toMatchObject({
      status: 0,
      tables: [{ phase: 'rebaseline' }],
    });
  }, 60_000);

  it('forget --drop drops mirror table, view and labels, and makes the views of other tables anew', async () => {
    const { database, cli } = bench;
    const rest = { MIRRORVERSE_TABLES: 'contact,lead' };
    const refused = `CREATE VIEW dataverse.mine AS SELECT name FROM dataverse.account`;
    await database.query(refused);
    expect(loggedCodes((await cli.run(['forget', 'account', '--drop'], rest)).stderr)).toEqual([
      'dependent-objects',
    ]);
    expect(await statusOf('account')).toMatchObject({ phase: 'delta' });
    await database.query('DROP VIEW dataverse.mine');
    const { document } = await cli.json(['forget', 'account', '--drop', '--json'], rest);
    expect(document).toEqual({ tables: [{ table: 'account', dropped: 'dataverse.account' }] });
    const views = await database.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relnamespace = 'dataverse_labeled'::regnamespace ORDER BY 1`,
    );
    expect(views.map(({ name }) => name)).toEqual(['contact', 'lead']);
    expect(await database.query(`SELECT to_regclass('dataverse.account') AS mirror`)).toEqual([
      { mirror: null },
    ]);
    expect(await database.query(`SELECT FROM dataverse._choices WHERE table_name = 'account'`)).toEqual([]);
    expect(await database.query('SELECT FROM dataverse_labeled.contact')).toHaveLength(5);
    expect(await database.query(`SELECT FROM mirrorverse.tables WHERE labels_version LIKE '~%'`)).toEqual([]);
    expect((await syncJson(cli, ['sync', '--json'], rest)).status).toBe(0);
    expect((await syncJson(cli, ['sync', '--json'])).status).toBe(0);
    expect(await database.query('SELECT FROM dataverse_labeled.account')).toHaveLength(5);
  }, 60_000);
});
