import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loggedCodes } from '../support/command-line.ts';
import { databaseServerUrl, type TestDatabase } from '../support/database.ts';
import { freePort, openBench, type Bench, type SyncEntry, syncJson } from './bench.ts';

interface Finding {
  readonly id: string;
  readonly ok: boolean;
  readonly subject: string;
  readonly message: string;
  readonly remedy: string | null;
  readonly code?: string;
}

interface Check {
  readonly ok: boolean;
  readonly findings: readonly Finding[];
}

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

/** What `check --json` prints; whatever it finds, it changes nothing in the database. */
async function runCheck(environment = {}): Promise<Check & { readonly milliseconds: number }> {
  const { status, document, milliseconds } = await bench.cli.json(['check'], environment);
  const check = document as Check;
  expect(status).toBe(check.ok ? 0 : 1);
  expect(check.ok).toBe(check.findings.every((finding) => finding.ok));
  return { ...check, milliseconds };
}

/** The only finding that failed, as it must look. */
function failedFinding(check: Check, id: string): Finding {
  const failed = check.findings.filter((finding) => !finding.ok);
  expect(failed.map((finding) => finding.id)).toEqual([id]);
  return failed[0] as Finding;
}

async function schemasOf(database: TestDatabase): Promise<unknown[]> {
  return database.query(`SELECT nspname FROM pg_namespace WHERE nspname IN ('dataverse', 'mirrorverse')`);
}

describe('check', () => {
  it('finds all good, and changes nothing', async () => {
    const check = await runCheck();
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
      check = await runCheck(tables);
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
      const good = check.findings.filter(({ id, ok }) => ok && id.startsWith('table.'));
      expect(good.map(({ id }) => id)).toEqual(['table.account', 'table.teammembership']);
      expect(sync.tables.filter(({ error }) => error === null).map(({ table }) => table)).toEqual(GOOD);
    });
  });

  it.each([
    ['a wrong bearer token', { DATAVERSE_ACCESS_TOKEN: 'stale' }, 'dataverse.sign-in', 'sign-in-refused'],
    [
      'an unreachable database',
      { DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none' },
      'postgres.connect',
      'database-unreachable',
    ],
    [
      'a missing database',
      () => ({ DATABASE_URL: new URL('/nosuchdatabase', databaseServerUrl()).href }),
      'postgres.connect',
      'database-missing',
    ],
  ])('tells %s, as a run does', async (_, given, id, code) => {
    const environment = typeof given === 'function' ? given() : given;
    const [check, sync] = await Promise.all([runCheck(environment), bench.cli.run(['sync'], environment)]);
    const finding = failedFinding(check, id);
    expect(finding.code).toBe(code);
    expect(finding.remedy).toMatch(/\w+.*\./);
    expect(sync).toMatchObject({ status: 1, stdout: '' });
    expect(loggedCodes(sync.stderr)).toContain(code);
  });

  it('tells a role that may not create schemas, with the statement that mends it', async () => {
    const { database, cli } = bench;
    const role = `role_${randomBytes(6).toString('hex')}`;
    const address = new URL(database.url);
    address.username = role;
    address.password = 'its-password';
    const environment = { DATABASE_URL: address.href };
    await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'its-password'`);
    try {
      const finding = failedFinding(await runCheck(environment), 'postgres.grants');
      expect(finding.code).toBe('grant-missing');
      expect(finding.message).toContain('dataverse');
      const sync = await cli.run(['sync'], environment);
      expect(sync.status).toBe(1);
      expect(loggedCodes(sync.stderr)).toContain('grant-missing');

      for (const statement of finding.remedy?.match(/GRANT [^;]*;/g) ?? []) await database.query(statement);
      expect((await runCheck(environment)).ok).toBe(true);
    } finally {
      await database.query(`DROP OWNED BY ${role}`);
      await database.query(`DROP ROLE ${role}`);
    }
  });

  it('tells an environment that cannot be reached, within 40 s', async () => {
    const environment = { DATAVERSE_URL: `http://127.0.0.1:${await freePort()}` };
    const [check, sync] = await Promise.all([runCheck(environment), bench.cli.run(['sync'], environment)]);
    const finding = failedFinding(check, 'dataverse.sign-in');
    expect(finding).toMatchObject({ code: 'source-unavailable', subject: environment.DATAVERSE_URL });
    expect(finding.remedy).not.toBeNull();
    expect(check.milliseconds).toBeLessThan(40_000);
    expect(sync.status).toBe(1);
    expect(loggedCodes(sync.stderr)).toContain('source-unavailable');
  });

  it('prints a line for each finding, with its remedy, where a person reads', async () => {
    const { status, stdout } = await bench.cli.run(['check'], { MIRRORVERSE_TABLES: 'account,nosuch' });
    expect(status).toBe(1);
    expect(stdout).toMatch(/^ok +table account: /m);
    expect(stdout).toMatch(/^FAILED +table nosuch: .*\n +\S+/m);
  });
});
