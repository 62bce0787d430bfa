import { describe, expect, it } from 'vitest';
import { allDifferences } from '../support/oracle.ts';
import { logLines } from '../support/command-line.ts';
import { dataRequests, openBench, syncJson } from '../support/bench.ts';

describe('sync', () => {
  it('sync brings every configured table up to date and ends with 0', async () => {
    await using bench = await openBench(['account', 'contact']);
    const { emulator, cli, database } = bench;
    emulator.store.seed('account', 120);
    emulator.store.seed('contact', 80);

    const first = await cli.run(['sync']);
    expect(first.status).toBe(0);
    expect(first.stdout).toMatch(/^account +up to date +120\b/m);
    expect(first.stdout).toMatch(/^contact +up to date +80\b/m);
    expect(logLines(first.stderr).length).toBeGreaterThan(0);
    expect(await allDifferences(emulator.store, database, ['account', 'contact'])).toEqual([]);

    // An idle pass costs one data request a table and writes no row.
    const rows = 'SELECT ctid, xmin, accountid FROM dataverse.account ORDER BY accountid';
    const before = await database.query(rows);
    emulator.requests.clear();
    const idle = await syncJson(cli, ['sync']);
    expect(idle.status).toBe(0);
    for (const table of ['account', 'contact']) expect(dataRequests(emulator, table)).toHaveLength(1);
    expect(await database.query(rows)).toEqual(before);
    expect(idle.tables).toEqual(
      ['account', 'contact'].map((table) => ({
        table,
        phase: 'delta',
        pages: 1,
        rowsRead: 0,
        rowsWritten: 0,
        rowsDeleted: 0,
        rowsQuarantined: 0,
        quarantined: 0,
        milliseconds: expect.any(Number) as number,
        error: null,
      })),
    );
  });

  it('sync with a table name brings that table alone up to date', async () => {
    await using bench = await openBench(['account', 'contact']);
    bench.emulator.store.seed('account', 5);
    bench.emulator.store.seed('contact', 5);
    const { status, tables } = await syncJson(bench.cli, ['sync', 'account']);
    expect(status).toBe(0);
    expect(tables.map((entry) => [entry.table, entry.rowsWritten])).toEqual([['account', 5]]);
    expect(dataRequests(bench.emulator, 'contact')).toEqual([]);
    expect(await bench.database.query(`SELECT to_regclass('dataverse.contact') AS made`)).toEqual([
      { made: null },
    ]);
  });

  it('sync ends with 1 when a table fails, and the others are up to date all the same', async () => {
    await using bench = await openBench(['account', 'contact', 'team']);
    const { emulator, cli, database } = bench;
    for (const table of ['account', 'contact', 'team']) emulator.store.seed(table, 30);
    emulator.settings.deniedTables.add('contact');

    const { status, stdout, stderr } = await cli.run(['sync']);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^contact +failed: privilege-missing/m);
    expect(await allDifferences(emulator.store, database, ['account', 'team'])).toEqual([]);
    expect(dataRequests(emulator, 'contact').length).toBeLessThanOrEqual(5);
    const line = logLines(stderr).find((each) => each['code'] === 'privilege-missing');
    expect(line).toMatchObject({ table: 'contact', level: 'error', remedy: expect.any(String) as string });

    const { tables } = await syncJson(cli, ['sync']);
    expect(tables.map(({ table, error }) => [table, error?.code ?? null])).toEqual([
      ['account', null],
      ['contact', 'privilege-missing'],
      ['team', null],
    ]);
  });

  it('sync takes its settings from mirrorverse.yaml in the working directory', async () => {
    await using bench = await openBench(['account', 'contact']);
    const { emulator, cli, database } = bench;
    emulator.store.seed('account', 4);
    const settings = [
      "dataverse: { url: '${SOURCE}' }",
      'postgres: { url: "${TARGET}", schema: crm, stateSchema: crm_state }',
      'tables: [{ name: account, columns: { exclude: [name] } }]',
    ];
    await cli.file('mirrorverse.yaml', settings.join('\n'));
    const environment = {
      SOURCE: bench.url,
      TARGET: database.url,
      DATAVERSE_URL: '',
      DATABASE_URL: '',
      MIRRORVERSE_TABLES: '',
    };
    expect((await cli.run(['sync'], environment)).status).toBe(0);
    const columns = `SELECT FROM pg_attribute WHERE attrelid = 'crm.account'::regclass AND attname = 'name'`;
    expect(await database.query('SELECT FROM crm.account')).toHaveLength(4);
    expect(await database.query(columns)).toEqual([]);
    expect(await database.query('SELECT phase FROM crm_state.tables')).toEqual([{ phase: 'delta' }]);
  });
});
