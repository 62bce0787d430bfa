import { afterAll, beforeAll, expect, test } from 'vitest';
import { lookup } from '../../src/emulator/table-parts/column-kinds.ts';
import { differences } from '../support/oracle.ts';
import { failures, SyncBench, type SyncOptions } from '../support/sync.ts';

const INDEXED: SyncOptions = { indexesLookups: true };

let bench: SyncBench;
beforeAll(async () => {
  bench = await SyncBench.open({}, 'administrator');
});
afterAll(async () => bench[Symbol.asyncDispose]());

/** The indexes of a mirror table without that of its key, each with its column. */
async function indexes(table: string): Promise<Record<string, string>> {
  const rows = await bench.database.query<{ name: string; column: string }>(
    `SELECT x.relname AS name, a.attname AS column FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
       JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
      WHERE i.indrelid = 'dataverse.${table}'::regclass AND NOT i.indisprimary ORDER BY 1`,
  );
  return Object.fromEntries(rows.map(({ name, column }) => [name, column]));
}

const OF_TEAM = Object.fromEntries(
  [
    'administratorid',
    'businessunitid',
    'createdby',
    'createdonbehalfby',
    'modifiedby',
    'modifiedonbehalfby',
    'transactioncurrencyid',
  ].map((column) => [`team_${column}_lookup`, column]),
);

async function sync(table: string, options: SyncOptions = INDEXED): Promise<void> {
  expect(failures(await bench.sync([table], options))).toEqual({});
}

test('indexes on lookups are made when the table has been loaded, follow its columns, and go when nobody wants them', async () => {
  const { store } = bench.emulator;
  store.seed('team', 20);
  await sync('team');
  expect(await indexes('team')).toEqual(OF_TEAM);

  store.addColumn('team', lookup('new_PartnerId', ['Partner', 'Partner'], ['team']));
  await sync('team');
  expect(await indexes('team')).toEqual({ ...OF_TEAM, team_new_partnerid_lookup: 'new_partnerid' });
  store.removeColumn('team', 'new_partnerid');
  await sync('team');
  expect(await indexes('team')).toEqual(OF_TEAM);

  await bench.database.query('CREATE INDEX team_name_lookup ON dataverse.team (name)');
  await sync('team', {});
  expect(await indexes('team')).toEqual({ team_name_lookup: 'name' });
  expect(await differences(store, bench.database, 'team')).toEqual([]);
});

test('indexes on lookups come to a loaded table without a new load, and leave names and columns of other indexes alone', async () => {
  const { store } = bench.emulator;
  store.seed('opportunity', 20);
  await sync('opportunity', {});
  await bench.database.query(
    `CREATE INDEX opportunity_ownerid_lookup ON dataverse.opportunity (name);
     CREATE INDEX mine ON dataverse.opportunity (customerid, name)`,
  );
  bench.emulator.requests.clear();
  await sync('opportunity');
  expect(bench.emulator.requests.count({ kind: 'baseline', table: 'opportunity' })).toBe(0);
  const made = await indexes('opportunity');
  expect(made).toMatchObject({ opportunity_ownerid_lookup: 'name', mine: 'customerid' });
  const columns = Object.values(made);
  expect(columns.filter((column) => column === 'ownerid')).toHaveLength(1);
  expect(columns.filter((column) => column === 'customerid')).toHaveLength(1);
  await sync('opportunity', {});
  expect(await indexes('opportunity')).toEqual({ opportunity_ownerid_lookup: 'name', mine: 'customerid' });
});

test('a table whose indexes cannot be made is loaded and goes on without them, and gets them later', async () => {
  const { store } = bench.emulator;
  store.seed('lead', 20);
  await bench.database.query(
    `CREATE FUNCTION public.refuse() RETURNS event_trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'disk_full'; END $$;
     CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION public.refuse()`,
  );
  await sync('lead');
  expect(await indexes('lead')).toEqual({});
  expect(await differences(store, bench.database, 'lead')).toEqual([]);
  await bench.database.query('DROP EVENT TRIGGER refuse');
  await sync('lead');
  expect(Object.keys(await indexes('lead'))).toContain('lead_parentaccountid_lookup');
});
