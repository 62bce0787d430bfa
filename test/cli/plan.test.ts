import { describe, expect, it } from 'vitest';
import { column } from '../../src/emulator/table-parts/column-kinds.ts';
import type { TablePlan } from '../../src/operations/table-plan.ts';
import { differences } from '../support/oracle.ts';
import type { CommandLine } from '../support/command-line.ts';
import { dataRequests, openBench } from '../support/bench.ts';

const FAX = column('String', 'new_Fax', ['Fax', 'Fax'], { maxLength: 50, format: 'Text' });
const ASK = 'tables: [account]\ndrift: { columnAdded: ask, columnRetyped: ask }\n';

interface Planned {
  readonly status: number | null;
  readonly requests: number;
  readonly table: TablePlan;
}

async function plan(cli: CommandLine, args: readonly string[] = []): Promise<Planned> {
  const { status, document } = await cli.json(['plan', ...args]);
  const { tables, requests } = document as { tables: TablePlan[]; requests: number };
  const [table] = tables;
  if (table === undefined) throw new Error('no table was planned');
  return { status, requests, table };
}

async function phase(cli: CommandLine): Promise<unknown> {
  const { document } = await cli.json(['status']);
  const [table] = (document as { tables: { phase: string; error: { code: string } | null }[] }).tables;
  return { phase: table?.phase, code: table?.error?.code ?? null };
}

describe('plan', () => {
  it('plan prints the table to come and what its rows cost, and changes nothing', async () => {
    await using bench = await openBench(['account'], { MIRRORVERSE_PAGE_SIZE: '100' });
    bench.emulator.store.seed('account', 250);
    const { status, requests, table } = await plan(bench.cli);
    expect(status).toBe(0);
    expect(table.verify).toEqual({ sweep: 3, values: 3 });
    expect(table).toMatchObject({ table: 'account', load: 'baseline', rows: 250, requests: 4, error: null });
    expect(table.create?.columns).toBeGreaterThan(50);
    expect(table.statements[0]).toMatch(/^CREATE TABLE "dataverse"\."account" \(/);
    expect(requests).toBe(4);
    expect(dataRequests(bench.emulator, 'account')).toEqual([]);
    const made = `SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname IN ('dataverse', 'mirrorverse')`;
    expect(await bench.database.query(made)).toEqual([]);
  });

  it('plan tells a person what happens in few lines, and shows the statements only with --sql', async () => {
    await using bench = await openBench(['account', 'contact']);
    bench.emulator.store.seed('account', 2_500);
    const { stdout } = await bench.cli.run(['plan']);
    expect(stdout).toMatch(
      /^account: create the table with \d+ columns, baseline of about 2,500 rows, \d\s+requests$/m,
    );
    expect(stdout).toContain('`plan --sql` shows the');
    expect(stdout).toMatch(/^Verification: about 2 requests a day, 6 s a sweep\.$/m);
    expect(stdout).not.toContain('CREATE TABLE');
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(stdout.trimEnd().split('\n').length).toBeLessThan(8);
    expect((await bench.cli.run(['plan', 'account', '--sql'])).stdout).toContain(
      'CREATE TABLE "dataverse"."account" (',
    );
  });

  it('plan shows no change for a mirror that is as it should be', async () => {
    await using bench = await openBench(['account']);
    expect((await bench.cli.run(['sync'])).status).toBe(0);
    expect((await plan(bench.cli)).table).toMatchObject({
      create: null,
      statements: [],
      changes: [],
      load: null,
      requests: 1,
    });
    expect((await bench.cli.run(['plan'])).stdout).toContain('account: changes only, 1 request\n');
    await bench.cli.file('mirrorverse.yaml', 'tables: [account]\nverify: false');
    expect((await bench.cli.run(['plan'])).stdout).not.toMatch(/verif/i);
  });

  it('plan --apply confirms what the policy asks about', async () => {
    await using bench = await openBench([]);
    const { cli, database, emulator } = bench;
    const { store } = emulator;
    await cli.file('mirrorverse.yaml', ASK);
    store.seed('account', 30);
    expect((await cli.run(['sync'])).status).toBe(0);

    store.addColumn('account', FAX);
    for (const { id } of store.rows('account')) store.recalculate('account', id, { new_fax: '1' });
    expect((await cli.run(['sync'])).status).toBe(0);
    expect(await phase(cli)).toEqual({ phase: 'attention', code: 'drift-pending' });
    expect((await plan(cli)).table).toMatchObject({
      load: 'rebaseline',
      statements: [
        'ALTER TABLE "dataverse"."account" ADD COLUMN "new_fax" text',
        `COMMENT ON COLUMN "dataverse"."account"."new_fax" IS 'Fax'`,
      ],
      changes: [{ kind: 'added', policy: 'ask', description: 'column new_fax (text) is new' }],
    });

    const applied = await plan(cli, ['account', '--apply']);
    expect(applied).toMatchObject({ status: 0, table: { changes: [], load: 'rebaseline' } });
    expect((await cli.run(['sync'])).status).toBe(0);
    expect(await phase(cli)).toEqual({ phase: 'delta', code: null });
    expect(await differences(store, database, 'account')).toEqual([]);
  });

  it('a changed type that waits for a confirmation is called attention by status until plan --apply', async () => {
    await using bench = await openBench([]);
    const { cli, emulator, database } = bench;
    await cli.file('mirrorverse.yaml', ASK);
    emulator.store.seed('account', 5);
    expect((await cli.run(['sync'])).status).toBe(0);
    emulator.store.retypeColumn('account', 'numberofemployees', { kind: 'String' });
    expect((await cli.run(['sync'])).status).toBe(1);
    expect(await phase(cli)).toEqual({ phase: 'attention', code: 'drift-unconfirmed' });
    expect((await cli.run(['plan', 'account', '--apply'])).status).toBe(0);
    expect((await cli.run(['sync'])).status).toBe(0);
    expect(await differences(emulator.store, database, 'account')).toEqual([]);
  });

  it('plan says that the next run stops at a change that the policy refuses, and which key decides', async () => {
    await using bench = await openBench(['account']);
    const { cli, emulator } = bench;
    expect((await cli.run(['sync'])).status).toBe(0);
    emulator.store.removeColumn('account', 'telephone1');
    await cli.file('mirrorverse.yaml', 'drift: { columnRemoved: refuse }');
    const { status, table } = await plan(cli);
    expect(status).toBe(1);
    expect(table).toMatchObject({
      changes: [{ kind: 'removed', policy: 'refuse' }],
      load: null,
      requests: null,
      error: { code: 'drift-refused', remedy: expect.stringContaining('drift.columnRemoved') as string },
    });
  });

  it('plan names the view of another owner that would block a change', async () => {
    await using bench = await openBench(['account']);
    const { cli, database, emulator } = bench;
    expect((await cli.run(['sync'])).status).toBe(0);
    await database.query('CREATE VIEW public.report AS SELECT numberofemployees FROM dataverse.account');
    emulator.store.retypeColumn('account', 'numberofemployees', { kind: 'Decimal' });
    const { status, table } = await plan(cli);
    expect(status).toBe(1);
    expect(table.error).toMatchObject({ code: 'drift-blocked' });
    expect(table.error?.remedy).toContain('Drop public.report');
  });

  it('plan ends with 1 when a table cannot be mirrored, and says why', async () => {
    await using bench = await openBench(['account', 'no_such_table']);
    const { status, document } = await bench.cli.json(['plan']);
    expect(status).toBe(1);
    expect((document as { tables: TablePlan[] }).tables[1]?.error?.code).toBe('table-not-found');
  });

  it('plan names the key that a mirror table has lost, and confirms the changes of the other tables', async () => {
    await using bench = await openBench([]);
    const { cli, database, emulator } = bench;
    await cli.file('mirrorverse.yaml', ASK.replace('account', 'lead, account'));
    expect((await cli.run(['sync'])).status).toBe(0);
    await database.query('ALTER TABLE dataverse.lead DROP CONSTRAINT lead_pkey');
    emulator.store.addColumn('account', FAX);
    expect((await cli.run(['sync'])).status).toBe(1);

    const { status, document } = await cli.json(['plan', '--apply']);
    expect(status).toBe(1);
    const [lead, account] = (document as { tables: TablePlan[] }).tables;
    expect(lead?.error?.code).toBe('key-missing');
    expect(account).toMatchObject({ changes: [], load: 'rebaseline', error: null });
  });

  it('plan says that the change log of a table begins, that it stays on, and that it ends', async () => {
    await using bench = await openBench(['account']);
    const { cli } = bench;
    await cli.file('mirrorverse.yaml', 'feed: true\n');
    expect((await plan(cli)).table).toMatchObject({ feed: 'begin', error: null });
    expect((await cli.run(['sync'])).status).toBe(0);
    expect((await plan(cli)).table).toMatchObject({ feed: null });
    await cli.file('mirrorverse.yaml', '');
    expect((await plan(cli)).table).toMatchObject({ feed: 'end' });
  });
});
