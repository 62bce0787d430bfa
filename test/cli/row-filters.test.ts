import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/operations/check/finding.ts';
import type { TablePlan } from '../../src/operations/table-plan.ts';
import { openBench, syncJson, type Bench } from '../support/bench.ts';

async function bench(yaml: string): Promise<{ bench: Bench; args: string[] }> {
  const opened = await openBench([], { MIRRORVERSE_TABLES: '' });
  return { bench: opened, args: ['--config', await opened.cli.file('filters.yaml', yaml)] };
}

const tables = (rows: string, more = ''): string =>
  `tables: [{ name: account, rows: ${rows}${more} }, contact]`;

async function planned(opened: Bench, args: readonly string[]): Promise<TablePlan | undefined> {
  const { document } = await opened.cli.json(['plan', 'account', ...args]);
  return (document as { tables: TablePlan[] }).tables[0];
}

describe('a filter of rows in the configuration', () => {
  it.each([
    ['{ fetchxml: "<filter/>" }', /tables\.0\.rows of table account.*mode: snapshot/],
    ['{ fetchxml: "<filter/><order/>" }, mode: snapshot', /rows\.fetchxml.*must be a filter element/],
    ['"  "', /tables\.0\.rows.*is empty/],
    ['17', /tables\.0\.rows.*must be an expression of SQL, or a mapping with fetchxml/],
    ['{ sql: "true" }', /tables\.0\.rows\.sql.*is not a known key/],
  ])('a filter of rows in the configuration cannot be %s', async (rows, said) => {
    const { bench: opened, args } = await bench(tables(rows));
    await using _ = opened;
    const { status, stderr } = await opened.cli.run(['plan', ...args]);
    expect(status).toBe(2);
    expect(stderr.replaceAll(/\s+/g, ' ')).toMatch(said);
  });

  it('a filter of rows that PostgreSQL refuses is told by check and plan before a run, and stops its table alone', async () => {
    const { bench: opened, args } = await bench(
      tables('telephone1 IS NOT NULL', ', columns: { exclude: [telephone1] }'),
    );
    await using _ = opened;
    opened.emulator.store.seed('account', 3);
    opened.emulator.store.seed('contact', 3);
    const { status, document } = await opened.cli.json(['check', ...args]);
    expect(status).toBe(1);
    const { findings } = document as { findings: Finding[] };
    const bad = findings.filter(({ ok }) => !ok);
    expect(bad.map(({ id }) => id)).toEqual(['table.account.mirror']);
    expect(bad[0]?.message).toContain('names column telephone1, which is not mirrored');
    expect(bad[0]?.remedy).toContain('`columns` of table account');
    const plan = await planned(opened, args);
    expect(plan).toMatchObject({ load: null, error: { code: 'row-filter-refused' } });
    const synced = await syncJson(opened.cli, ['sync', ...args]);
    expect(synced.status).toBe(1);
    expect(synced.tables.map(({ table, error }) => [table, error?.code ?? null])).toEqual([
      ['account', 'row-filter-refused'],
      ['contact', null],
    ]);
  });

  it('plan tells a changed filter of rows, how many rows leave, and that the environment counts all rows', async () => {
    const { bench: opened, args } = await bench(tables("name LIKE 'a%'"));
    await using _ = opened;
    const { store } = opened.emulator;
    for (const name of ['aa', 'ab', 'ba', 'bb']) store.insert('account', { name });
    expect(await planned(opened, args)).toMatchObject({
      load: 'baseline',
      rows: 4,
      filter: { rows: "name LIKE 'a%'", changed: false, leaving: null },
    });
    expect((await opened.cli.run(['plan', ...args])).stdout).toContain('the environment counts all rows');
    expect((await syncJson(opened.cli, ['sync', ...args])).status).toBe(0);
    expect(await planned(opened, args)).toMatchObject({ load: null, filter: { changed: false } });
    const { document } = await opened.cli.json(['status', ...args]);
    expect((document as { tables: { rows: number }[] }).tables[0]?.rows).toBe(2);

    const other = ['--config', await opened.cli.file('other.yaml', tables("name LIKE '%b'"))];
    expect(await planned(opened, other)).toMatchObject({
      load: 'rebaseline',
      error: null,
      filter: { rows: "name LIKE '%b'", changed: true, leaving: 1 },
    });
    expect((await opened.cli.run(['plan', ...other])).stdout.replaceAll(/\s+/g, ' ')).toContain(
      'change the filter of rows: 1 row of the mirror will leave it, and others that match come in',
    );
    const none = ['--config', await opened.cli.file('none.yaml', 'tables: [account]')];
    expect(await planned(opened, none)).toMatchObject({
      load: 'rebaseline',
      filter: { rows: null, changed: true },
    });
    expect(await planned(opened, args)).toMatchObject({ load: null, filter: { changed: false } });
    expect((await syncJson(opened.cli, ['sync', 'account', ...other])).status).toBe(0);
    const names = 'SELECT name FROM dataverse.account ORDER BY 1';
    expect(await opened.database.query(names)).toEqual([{ name: 'ab' }, { name: 'bb' }]);
    const verified = await opened.cli.json(['verify', 'account', '--values', ...other]);
    expect(verified).toMatchObject({ status: 0, document: { ok: true, tables: [{ rows: 2, total: 0 }] } });
  });
});
