import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { openBench, type Bench, type SyncEntry, syncJson } from '../support/bench.ts';
import { runCheck, type Check } from '../support/check-document.ts';

const GOOD = ['account', 'teammembership'];
const BAD = ['nosuch', 'new_untracked', 'contact', 'aaduser'];

let bench: Bench;
beforeAll(async () => {
  // The schemas are to be made, and not before a pass.
  bench = await openBench(GOOD, {}, 'administrator');
  bench.emulator.store.seed('account', 3);
  bench.emulator.store.seed('new_untracked', 3);
  bench.emulator.settings.deniedTables.add('contact');
});
afterAll(async () => bench[Symbol.asyncDispose]());

async function schemasOf(database: TestDatabase): Promise<unknown[]> {
  return database.query(`SELECT nspname FROM pg_namespace WHERE nspname IN ('dataverse', 'mirrorverse')`);
}

describe('check', () => {
  it('check finds nothing wrong with a sound setup and changes nothing', async () => {
    const check = await runCheck(bench.cli);
    expect(check.ok).toBe(true);
    const ids = check.findings.map(({ id }) => id);
    expect(ids).toEqual(
      expect.arrayContaining([
        'config',
        'postgres.connect',
        'postgres.grants',
        'dataverse.sign-in',
        'dataverse.link-life',
        'limits.requests',
        'table.account',
        'table.teammembership',
      ]),
    );
    for (const finding of check.findings) {
      expect(finding).toMatchObject({ ok: true, subject: expect.any(String) as string, remedy: null });
    }
    expect(await schemasOf(bench.database)).toEqual([]);
  });

  describe.each(['error', 'no-link'] as const)(
    'check where the delta request of an untracked table ends with %s',
    (ending) => {
      let check: Check;
      let sync: { readonly tables: readonly SyncEntry[] };
      let made: unknown[];
      beforeAll(async () => {
        bench.emulator.settings.untrackedTables = ending;
        const tables = { MIRRORVERSE_TABLES: [...GOOD, ...BAD].join(',') };
        check = await runCheck(bench.cli, tables);
        made = await schemasOf(bench.database);
        sync = await syncJson(bench.cli, ['sync'], tables);
        await bench.database.query('DROP SCHEMA dataverse CASCADE');
        await bench.database.query('DROP SCHEMA mirrorverse CASCADE');
      });

      it.each([
        ['nosuch', 'table-not-found'],
        ['new_untracked', 'change-tracking-off'],
        ['contact', 'privilege-missing'],
        ['aaduser', 'not-mirrorable'],
      ])('check names table %s with a remedy and the code %s of a run', (table, code) => {
        const finding = check.findings.find(({ id }) => id === `table.${table}`);
        expect(finding).toMatchObject({ ok: false, code, message: expect.stringContaining(table) as string });
        expect(finding?.remedy).toMatch(/\w+.*\./);
        expect(sync.tables.find((entry) => entry.table === table)?.error?.code).toBe(code);
      });

      it('check finds the other tables good and makes nothing in the database', () => {
        expect(made).toEqual([]);
        const good = check.findings.filter(({ id, ok }) => ok && /^table\.\w+$/.test(id));
        expect(good.map(({ id }) => id)).toEqual(['table.account', 'table.teammembership']);
        expect(sync.tables.filter(({ error }) => error === null).map(({ table }) => table)).toEqual(GOOD);
      });
    },
  );

  it('check reports columns that are secured, calculated or missing', async () => {
    const file = await bench.cli.file(
      'columns.yaml',
      `tables:
  - name: account
    columns: { exclude: [nosuch, revenue, 'x*'] }
  - name: team*
    columns: { exclude: [nosuch] }
`,
    );
    const { ok, findings } = await runCheck(bench.cli, { MIRRORVERSE_CONFIG: file, MIRRORVERSE_TABLES: '' });
    expect(ok).toBe(false);
    const told = new Map(findings.map((finding) => [finding.id, finding]));
    expect(told.get('table.account.columns')).toMatchObject({
      ok: false,
      message: 'has no column nosuch',
      remedy: expect.stringContaining('logical names') as string,
    });
    expect(told.get('table.team.columns')).toBeUndefined();
    const { store } = bench.emulator;
    const account = store.tables.get('account')?.columns ?? [];
    const secured = account.filter((column) => column.isSecured).map(({ logicalName }) => logicalName);
    expect(secured.length).toBeGreaterThan(0);
    for (const name of secured) expect(told.get('table.account.secured')?.message).toContain(name);
    expect(told.get('table.account.derived')).toMatchObject({
      ok: true,
      message: expect.stringContaining('may lag behind') as string,
    });
  });

  it('check asks no change tracking of a table in snapshots, but the right to read it', async () => {
    const entries = ['aaduser', 'new_untracked', 'contact'].map(
      (name) => `  - { name: ${name}, mode: snapshot }\n`,
    );
    const file = await bench.cli.file('snapshots.yaml', `tables:\n${entries.join('')}`);
    const { findings } = await runCheck(bench.cli, { MIRRORVERSE_CONFIG: file, MIRRORVERSE_TABLES: '' });
    const told = findings.filter(({ id }) => /^table\.\w+$/.test(id));
    expect(told.map(({ id, ok, code }) => [id, ok, code])).toEqual([
      ['table.aaduser', true, undefined],
      ['table.new_untracked', true, undefined],
      ['table.contact', false, 'privilege-missing'],
    ]);
  });

  it('check prints a line for each finding, with its remedy, where a person reads', async () => {
    const { status, stdout } = await bench.cli.run(['check'], { MIRRORVERSE_TABLES: 'account,nosuch' });
    expect(status).toBe(1);
    expect(stdout).toMatch(/^ok +table account: /m);
    expect(stdout).toMatch(/^FAILED +table nosuch: .*\n +\S+/m);
  });
});
