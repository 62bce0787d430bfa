import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { openBench, type Bench, type SyncEntry, syncJson } from './bench.ts';
import { runCheck, type Check } from './check-document.ts';

const GOOD = ['account', 'teammembership'];
const BAD = ['nosuch', 'new_untracked', 'contact', 'aaduser'];

let bench: Bench;
beforeAll(async () => {
  bench = await openBench(GOOD);
  bench.emulator.store.seed('account', 3);
  bench.emulator.store.seed('new_untracked', 3);
  bench.emulator.settings.deniedTables.add('contact');
});
afterAll(async () => bench[Symbol.asyncDispose]());

async function schemasOf(database: TestDatabase): Promise<unknown[]> {
  return database.query(`SELECT nspname FROM pg_namespace WHERE nspname IN ('dataverse', 'mirrorverse')`);
}

describe('check', () => {
  it('finds all good, and changes nothing', async () => {
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

  describe.each(['error', 'no-link'] as const)('where untracked tables end with %s', (ending) => {
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
    ])('names table %s, with a remedy and the code %s of a run', (table, code) => {
      const finding = check.findings.find(({ id }) => id === `table.${table}`);
      expect(finding).toMatchObject({ ok: false, code, message: expect.stringContaining(table) as string });
      expect(finding?.remedy).toMatch(/\w+.*\./);
      expect(sync.tables.find((entry) => entry.table === table)?.error?.code).toBe(code);
    });

    it('finds the other tables good, and makes nothing in the database', () => {
      expect(made).toEqual([]);
      const good = check.findings.filter(({ id, ok }) => ok && /^table\.\w+$/.test(id));
      expect(good.map(({ id }) => id)).toEqual(['table.account', 'table.teammembership']);
      expect(sync.tables.filter(({ error }) => error === null).map(({ table }) => table)).toEqual(GOOD);
    });
  });

  it('prints a line for each finding, with its remedy, where a person reads', async () => {
    const { status, stdout } = await bench.cli.run(['check'], { MIRRORVERSE_TABLES: 'account,nosuch' });
    expect(status).toBe(1);
    expect(stdout).toMatch(/^ok +table account: /m);
    expect(stdout).toMatch(/^FAILED +table nosuch: .*\n +\S+/m);
  });
});
