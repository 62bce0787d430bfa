import { Client, type QueryResultRow } from 'pg';
import { expect, test } from 'vitest';
import { lookup } from '../../src/emulator/table-parts/column-kinds.ts';
import { telemetry } from '../../src/emulator/tables/telemetry.ts';
import { citusStandIn } from '../support/citus-stand-in.ts';
import { differences } from '../support/oracle.ts';
import { statementJournal } from '../support/statement-journal.ts';
import { failures, SyncBench, type SyncOptions } from '../support/sync.ts';

const TABLES = ['account', 'contact', 'new_telemetry'];

/** What Citus is documented to refuse on distributed tables, by what the statement would say. */
const REFUSED: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['MERGE', /^\s*MERGE\b/i],
  ['a trigger', /CREATE (OR REPLACE )?TRIGGER[^;]* ON "dataverse"\."(account|contact)"/i],
  ['a sample', /"dataverse"\."(account|contact)"[^;]*TABLESAMPLE/i],
  [
    'rows from a temporary table',
    /(UPDATE|INSERT INTO|DELETE FROM) "dataverse"\."(account|contact)"[^;]*pg_temp/i,
  ],
  [
    'a volatile function in an UPDATE',
    /UPDATE "dataverse"\."(account|contact)"[^;]*(clock_timestamp|random\(|gen_random)/i,
  ],
  ['locked rows', /"dataverse"\."(account|contact)"[^;]*FOR (NO KEY )?UPDATE/i],
  ['the place of a row', /"dataverse"\."(account|contact)" (AS )?m\b[^;]*(m|s)\.ctid/i],
  ['a function of ours that writes', /CREATE FUNCTION pg_temp/i],
];

test('a mirror life on distributed tables uses nothing that Citus is documented to refuse, and equals its source', async () => {
  await using bench = await SyncBench.open({}, 'administrator');
  const { store } = bench.emulator;
  const { database } = bench;
  store.addTable(telemetry);
  await citusStandIn(database);
  await using journal = await statementJournal(database.url);
  const options: SyncOptions = {
    isDistributed: true,
    databaseUrl: journal.url,
    labels: { viewSchema: 'dataverse_labeled' },
    pageSize: 20,
  };
  const pass = async (more: SyncOptions = {}, restart = false): Promise<void> => {
    expect(failures(await bench.sync(TABLES, { ...options, ...more }, { restart }))).toEqual({});
    for (const table of ['account', 'contact']) expect(await differences(store, database, table)).toEqual([]);
  };

  const ids = store.seed('account', 50);
  store.seed('contact', 30);
  store.insert('new_telemetry', { partitionid: 'a', new_name: 'one' });
  await pass();
  const calls = await database.query<{ name: string; key: string | null }>(
    `SELECT name, key FROM citus_stand_in.calls WHERE name ~ '^dataverse' ORDER BY name`,
  );
  // An elastic table has no primary key, and stays as it is.
  expect(calls).toEqual([
    ...['choices', 'column_labels', 'columns', 'lookup_targets', 'table_labels'].map((name) => ({
      name: `dataverse._${name}`,
      key: null,
    })),
    { name: 'dataverse.account', key: 'accountid' },
    { name: 'dataverse.contact', key: 'contactid' },
  ]);

  store.update('account', ids[0] ?? '', { name: 'changed' });
  store.remove('account', ids[1] ?? '');
  store.addColumn('contact', lookup('new_PartnerId', ['Partner', 'Partner'], ['team']));
  store.seed('contact', 5);
  await pass();

  // A re-baseline mends what somebody changed, and sweeps what the source does not have.
  await database.query(`UPDATE dataverse.account SET name = 'by hand' WHERE accountid = '${ids[2]}'`);
  await database.query(
    `INSERT INTO dataverse.account (accountid, versionnumber) VALUES (gen_random_uuid(), 1)`,
  );
  await pass({}, true);

  // One row is refused by a constraint of somebody. The others of its page are stored.
  await database.query(
    `ALTER TABLE dataverse.account ADD CONSTRAINT polite CHECK (name <> 'rude') NOT VALID`,
  );
  for (const [at, id] of ids.slice(3, 13).entries())
    store.update('account', id, { name: at === 4 ? 'rude' : 'kind' });
  expect(failures(await bench.sync(['account'], options))).toEqual({});
  expect(await database.query('SELECT key FROM mirrorverse.quarantine')).toEqual([{ key: ids[7] }]);
  expect(
    await database.query(`SELECT count(*)::int AS rows FROM dataverse.account WHERE name = 'kind'`),
  ).toEqual([{ rows: 9 }]);
  await database.query('ALTER TABLE dataverse.account DROP CONSTRAINT polite');
  store.update('account', ids[7] ?? '', { name: 'polite' });
  await pass();

  await using session = await bench.session(TABLES, options);
  await database.query(`UPDATE dataverse.account SET name = 'by hand' WHERE accountid = '${ids[20]}'`);
  for (const method of ['sweep', 'values'] as const) {
    expect((await session.verify('account', method)).unsettled).toBe(0);
  }
  expect(await session.repair('account')).toBe(1);
  expect(await differences(store, database, 'account')).toEqual([]);

  const left = await database.query<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE tablename LIKE 'stage\\_%'`,
  );
  expect(left).toHaveLength(2);
  for (const { name } of left) expect(await database.query(`SELECT 1 FROM ${name}`)).toEqual([]);
  const found = REFUSED.flatMap(([what, pattern]) =>
    journal.statements.filter((text) => pattern.test(text)).map((text) => `${what}: ${text.slice(0, 200)}`),
  );
  expect(found).toEqual([]);
  expect(
    journal.statements.filter((text) => text.includes('create_distributed_table')).length,
  ).toBeGreaterThan(4);
});

test('a run tells that the extension Citus is missing', async () => {
  await using bench = await SyncBench.open({}, 'administrator');
  await expect(bench.sync(['account'], { isDistributed: true })).rejects.toMatchObject({
    code: 'citus-missing',
  });
});

const citus = process.env['TEST_CITUS_URL'];

test.skipIf(citus === undefined)(
  'a mirror equals its source on the Citus that TEST_CITUS_URL names',
  async () => {
    await using bench = await SyncBench.open({}, 'administrator');
    const options: SyncOptions = { isDistributed: true, databaseUrl: citus ?? '', labels: {}, pageSize: 20 };
    const client = new Client({ connectionString: citus });
    await client.connect();
    const query = async <T extends QueryResultRow>(sql: string, values: unknown[] = []): Promise<T[]> =>
      (await client.query<T>(sql, values)).rows;
    try {
      await client.query(
        'DROP SCHEMA IF EXISTS dataverse, mirrorverse CASCADE; CREATE EXTENSION IF NOT EXISTS citus',
      );
      const { store } = bench.emulator;
      const ids = store.seed('account', 50);
      for (const restart of [false, false, true]) {
        expect(failures(await bench.sync(['account'], options, { restart }))).toEqual({});
        expect(await differences(store, { query }, 'account')).toEqual([]);
        store.update('account', ids[restart ? 1 : 0] ?? '', { name: `changed ${restart}` });
        store.remove('account', ids.pop() ?? '');
      }
      await using session = await bench.session(['account'], options);
      expect(failures(await session.sync())).toEqual({});
      expect((await session.verify('account', 'values')).unsettled).toBe(0);
      expect(
        await query(`SELECT 1 FROM pg_dist_partition WHERE logicalrelid = 'dataverse.account'::regclass`),
      ).toHaveLength(1);
    } finally {
      await client.end();
    }
  },
);
