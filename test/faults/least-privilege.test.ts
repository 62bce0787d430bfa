import { describe, expect, it } from 'vitest';
import { column } from '../../src/emulator/table-parts/column-kinds.ts';
import { Failure } from '../../src/model/failure.ts';
import { CommandLine } from '../support/command-line.ts';
import { mirrorEnvironment } from '../support/mirror-environment.ts';
import { historyDifferences } from '../support/history.ts';
import { differences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';

const TABLES = ['account', 'contact'];
const OPTIONS = { labels: { viewSchema: 'dataverse_labeled' } };
const FAX = column('String', 'new_Fax', ['Fax', 'Fax'], { maxLength: 50, format: 'Text' });

/** A bench whose daemon has no more than the documented grants. */
async function leastBench(): Promise<SyncBench & { readonly role: string }> {
  const bench = await SyncBench.open({}, 'least');
  bench.emulator.store.seed('account', 60);
  bench.emulator.store.seed('contact', 20);
  return Object.assign(bench, { role: new URL(bench.database.url).username });
}

async function expectEqual(bench: SyncBench): Promise<void> {
  expect(failures(await bench.sync(TABLES, OPTIONS))).toEqual({});
  for (const table of TABLES) {
    expect(await differences(bench.emulator.store, bench.database, table)).toEqual([]);
  }
}

describe('a role with the documented grants and no other', () => {
  it('the test role has the documented grants and no other', async () => {
    await using bench = await leastBench();
    expect(
      await bench.database.query(
        `SELECT rolsuper, rolcreatedb, rolcreaterole, has_database_privilege($1, current_database(), 'CREATE') AS creates,
                has_schema_privilege($1, 'public', 'CREATE') AS in_public FROM pg_roles WHERE rolname = $1`,
        [bench.role],
      ),
    ).toEqual([
      { rolsuper: false, rolcreatedb: false, rolcreaterole: false, creates: false, in_public: false },
    ]);
  });

  it('a role with the documented grants loads, follows changes, re-baselines, follows drift, quarantines and labels', async () => {
    await using bench = await leastBench();
    const { store } = bench.emulator;
    await expectEqual(bench);

    const [changed, gone] = store.rows('account');
    store.update('account', changed?.id ?? '', { name: 'another name' });
    store.remove('account', gone?.id ?? '');
    store.insert('account', { name: 'new' });
    await expectEqual(bench);

    store.addColumn('account', FAX);
    store.retypeColumn('account', 'numberofemployees', { kind: 'Decimal' });
    store.removeColumn('account', 'telephone1');
    await expectEqual(bench);

    const poisoned = store.insert('account', { name: 'a\0b' });
    await bench.sync(TABLES, OPTIONS);
    expect(await bench.database.query('SELECT key FROM mirrorverse.quarantine')).toEqual([{ key: poisoned }]);
    store.update('account', poisoned, { name: 'mended' });
    await expectEqual(bench);

    expect(failures(await bench.sync(TABLES, OPTIONS, { restart: true }))).toEqual({});
    await expectEqual(bench);

    const views = await bench.database.query<{ name: string; owner: string }>(
      `SELECT relname AS name, pg_get_userbyid(relowner) AS owner FROM pg_class
        WHERE relnamespace = 'dataverse_labeled'::regnamespace AND relkind = 'v' ORDER BY 1`,
    );
    expect(views).toEqual(TABLES.map((name) => ({ name, owner: bench.role })));
  });

  it('a role with the documented grants leaves nothing outside of its schemas', async () => {
    await using bench = await leastBench();
    await expectEqual(bench);
    expect(
      await bench.database.query(
        `SELECT DISTINCT n.nspname::text AS schema FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.relowner = $1::regrole AND n.nspname !~ '^pg_(temp|toast)' ORDER BY 1`,
        [bench.role],
      ),
    ).toEqual([{ schema: 'dataverse' }, { schema: 'dataverse_labeled' }, { schema: 'mirrorverse' }]);
  });
});

describe('a role without one of the documented grants', () => {
  const grants: readonly (readonly [what: string, grant: string])[] = [
    ['CONNECT', 'CONNECT ON DATABASE'],
    ['TEMPORARY', 'TEMPORARY ON DATABASE'],
    ['USAGE of the mirror', 'USAGE ON SCHEMA "dataverse"'],
    ['CREATE in the mirror', 'CREATE ON SCHEMA "dataverse"'],
    ['USAGE of the state', 'USAGE ON SCHEMA "mirrorverse"'],
    ['CREATE in the state', 'CREATE ON SCHEMA "mirrorverse"'],
  ];

  it.each(grants)('a role without %s gets the GRANT by name, and goes on with it', async (_, grant) => {
    await using bench = await leastBench();
    const { database, role } = bench;
    const what = grant.endsWith('DATABASE') ? `${grant} "${role}"` : grant;
    await database.query(`REVOKE ${what} FROM ${role}`);

    const failure = await firstFailure(bench);
    expect(failure).toMatchObject({ code: 'grant-missing', reaction: 'stop-table' });
    expect(failure.remedy).toContain(`GRANT ${what} TO "${role}";`);

    await database.query(failure.remedy.replace('Run as an administrator: ', ''));
    await expectEqual(bench);
  });

  it('a role without a schema gets the statement that makes it, and goes on with it', async () => {
    await using bench = await leastBench();
    await bench.database.query('DROP SCHEMA dataverse');
    const failure = await firstFailure(bench);
    expect(failure.remedy).toContain('CREATE SCHEMA "dataverse"; GRANT USAGE, CREATE ON SCHEMA "dataverse"');
    await bench.database.query(failure.remedy.replace('Run as an administrator: ', ''));
    await expectEqual(bench);
  });

  it.each([
    [
      'the schema of the histories',
      'DROP SCHEMA dataverse_history',
      'CREATE SCHEMA "dataverse_history"; GRANT',
    ],
    [
      'CREATE in the schema of the histories',
      'REVOKE CREATE ON SCHEMA dataverse_history FROM ',
      'GRANT CREATE ON SCHEMA "dataverse_history"',
    ],
  ])('a role without %s gets the statement, and keeps a history with it', async (_, taken, remedy) => {
    await using bench = await leastBench();
    await bench.database.query(taken.endsWith(' ') ? taken + bench.role : taken);
    const options = { ...OPTIONS, history: {} };
    const [first] = await bench.sync(['account'], options);
    expect(first?.failure).toMatchObject({ code: 'grant-missing' });
    expect(first?.failure?.remedy).toContain(remedy);
    await bench.database.query(first?.failure?.remedy.replace('Run as an administrator: ', '') ?? '');
    expect(failures(await bench.sync(['account'], options))).toEqual({});
    expect(await historyDifferences(bench.database, 'account', true)).toEqual([]);
  });

  it('a role whose grant was taken away from a running process gets the GRANT by name, and goes on with it', async () => {
    await using bench = await leastBench();
    await using session = await bench.session(TABLES, OPTIONS);
    expect(failures(await session.sync())).toEqual({});
    await bench.database.query(`REVOKE USAGE ON SCHEMA dataverse FROM ${bench.role}`);
    bench.emulator.store.insert('account', { name: 'new' });
    const [account] = await session.sync();
    expect(account?.failure?.remedy).toContain('GRANT USAGE ON SCHEMA "dataverse" TO');
    await bench.database.query(`GRANT USAGE ON SCHEMA dataverse TO ${bench.role}`);
    expect(failures(await session.sync())).toEqual({});
    expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
  });

  it('a role without the grants for views mirrors every row, and check prints the GRANT', async () => {
    await using bench = await leastBench();
    await bench.database.query(`REVOKE CREATE ON SCHEMA dataverse_labeled FROM ${bench.role}`);
    await expectEqual(bench);
    await using cli = await CommandLine.open(mirrorEnvironment(bench, TABLES));
    const { document } = await cli.json(['check']);
    expect((document as { findings: unknown[] }).findings).toContainEqual(
      expect.objectContaining({
        id: 'postgres.grants',
        ok: false,
        code: 'grant-missing',
        remedy: `Run as an administrator: GRANT CREATE ON SCHEMA "dataverse_labeled" TO "${bench.role}";`,
      }),
    );
  });
});

/** What a pass fails with, be it the process or its tables. */
async function firstFailure(bench: SyncBench): Promise<Failure> {
  try {
    const loaded = await bench.sync(TABLES, OPTIONS);
    // A first load needs no temporary table; what changes later does.
    const [changed] = bench.emulator.store.rows('account');
    bench.emulator.store.update('account', changed?.id ?? '', { name: 'changed' });
    const followed = await bench.sync(TABLES, OPTIONS);
    const failed = [...loaded, ...followed].find(({ failure }) => failure !== null)?.failure;
    if (failed instanceof Failure) return failed;
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('nothing failed');
}
