import { describe, expect, it } from 'vitest';
import { column } from '../../src/emulator/table-parts/column-kinds.ts';
import { differences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';

const TABLES = ['account', 'contact', 'incident', 'task', 'systemuser', 'team'];
const OPTIONS = { labels: { viewSchema: 'dataverse_labeled' } };

/** Rows that point at each other, with choices set. */
async function labelled(): Promise<SyncBench & { readonly ids: Readonly<Record<string, string>> }> {
  const bench = await SyncBench.open();
  const { store } = bench.emulator;
  const user = store.insert('systemuser', { fullname: 'Ada Lovelace' });
  const team = store.insert('team', { name: 'Sales' });
  const company = store.insert('account', {
    name: 'Contoso',
    new_activities: '8,1',
    new_region: 100000000,
    donotemail: true,
    ownerid: { table: 'team', id: team },
  });
  const person = store.insert('contact', {
    fullname: 'Grace Hopper',
    parentcustomerid: { table: 'account', id: company },
    ownerid: { table: 'systemuser', id: user },
  });
  const first = store.insert('incident', { title: 'One', customerid: { table: 'account', id: company } });
  const second = store.insert('incident', { title: 'Two', customerid: { table: 'contact', id: person } });
  const task = store.insert('task', { subject: 'Call', regardingobjectid: { table: 'contact', id: person } });
  return Object.assign(bench, { ids: { user, team, company, person, first, second, task } });
}

it('labels and names are beside their columns, in two languages', async () => {
  await using bench = await labelled();
  expect(failures(await bench.sync(TABLES, OPTIONS))).toEqual({});
  const account = `SELECT new_activities_label AS many, new_region_label AS one, donotemail_label AS flag,
    statecode_label AS state, ownerid_name AS owner FROM dataverse_labeled.account WHERE name = 'Contoso'`;
  expect(await bench.database.query(account)).toEqual([
    { many: 'Skiing; Swimming', one: 'North', flag: 'Do Not Allow', state: 'Active', owner: 'Sales' },
  ]);
  const session = await bench.database.pool.connect();
  await session.query('SET mirrorverse.language = 1031');
  const { rows } = await session.query(account);
  session.release(true);
  expect(rows).toEqual([
    { many: 'Skifahren; Schwimmen', one: 'Nord', flag: 'Nicht zulassen', state: 'Aktiv', owner: 'Sales' },
  ]);
});

it('customers, owners and regarding rows have their names', async () => {
  await using bench = await labelled();
  expect(failures(await bench.sync(TABLES, OPTIONS))).toEqual({});
  expect(
    await bench.database.query(
      'SELECT title, customerid_entitytype AS type, customerid_name AS name FROM dataverse_labeled.incident ORDER BY title',
    ),
  ).toEqual([
    { title: 'One', type: 'account', name: 'Contoso' },
    { title: 'Two', type: 'contact', name: 'Grace Hopper' },
  ]);
  expect(
    await bench.database.query(
      `SELECT fullname, ownerid_name AS owner, parentcustomerid_name AS company FROM dataverse_labeled.contact WHERE fullname = 'Grace Hopper'`,
    ),
  ).toEqual([{ fullname: 'Grace Hopper', owner: 'Ada Lovelace', company: 'Contoso' }]);
  expect(
    await bench.database.query('SELECT regardingobjectid_name AS name FROM dataverse_labeled.task'),
  ).toEqual([{ name: 'Grace Hopper' }]);
});

it('a name that changes shows at once, because it is never stored', async () => {
  await using bench = await labelled();
  await bench.sync(TABLES, OPTIONS);
  bench.emulator.store.update('contact', bench.ids['person'] ?? '', { fullname: 'Admiral Hopper' });
  expect(failures(await bench.sync(['contact'], OPTIONS))).toEqual({});
  const [row] = await bench.database.query(
    `SELECT customerid_name AS name FROM dataverse_labeled.incident WHERE title = 'Two'`,
  );
  expect(row).toEqual({ name: 'Admiral Hopper' });
});

it('a renamed label shows once the metadata has been read again, and no row is rewritten', async () => {
  await using bench = await labelled();
  await using session = await bench.session(TABLES, OPTIONS);
  await session.sync();
  const places = 'SELECT ctid::text, xmin::text FROM dataverse.account ORDER BY 1';
  const before = await bench.database.query(places);
  bench.emulator.store.renameOption('account', 'new_region', 100000000, ['Far North', 'Hoher Norden']);
  // The first pass is told that the metadata has changed, the second reads it.
  await session.sync();
  expect(failures(await session.sync())).toEqual({});
  const labels = `SELECT new_region_label AS label FROM dataverse_labeled.account WHERE name = 'Contoso'`;
  expect(await bench.database.query(labels)).toEqual([{ label: 'Far North' }]);
  expect(await bench.database.query(places)).toEqual(before);
});

it('a target that is mirrored later gives its names from then on', async () => {
  await using bench = await labelled();
  await bench.sync(['incident'], OPTIONS);
  const names = `SELECT customerid_name AS name FROM dataverse_labeled.incident ORDER BY title`;
  expect(await bench.database.query(names)).toEqual([{ name: null }, { name: null }]);
  await bench.sync(['account'], OPTIONS);
  expect(await bench.database.query(names)).toEqual([{ name: 'Contoso' }, { name: null }]);
});

it('a column that is widened takes the view with it', async () => {
  await using bench = await labelled();
  await bench.sync(TABLES, OPTIONS);
  const { store } = bench.emulator;
  store.retypeColumn('account', 'numberofemployees', { kind: 'Decimal' });
  expect(failures(await bench.sync(TABLES, OPTIONS))).toEqual({});
  expect(await differences(store, bench.database, 'account')).toEqual([]);
  const [type] = await bench.database.query(
    `SELECT format_type(atttypid, atttypmod) AS type FROM pg_attribute
      WHERE attrelid = 'dataverse_labeled.account'::regclass AND attname = 'numberofemployees'`,
  );
  expect(type).toEqual({ type: 'numeric' });
  expect(await bench.database.query('SELECT FROM dataverse_labeled.incident')).toHaveLength(2);
});

it('a view of another owner keeps a column from changing, and is named', async () => {
  await using bench = await labelled();
  await bench.sync(TABLES, OPTIONS);
  await bench.database.query('CREATE VIEW report AS SELECT numberofemployees FROM dataverse.account');
  bench.emulator.store.retypeColumn('account', 'numberofemployees', { kind: 'Decimal' });
  const [result] = await bench.sync(['account'], OPTIONS);
  expect(result?.failure).toMatchObject({ code: 'drift-blocked', reaction: 'stop-table' });
  expect(result?.failure?.message).toContain('report');
  await bench.database.query('DROP VIEW report');
  expect(failures(await bench.sync(['account'], OPTIONS))).toEqual({});
});

it('a change of language or schema in the configuration makes the views again', async () => {
  await using bench = await labelled();
  await bench.sync(TABLES, OPTIONS);
  await bench.sync(TABLES, { labels: { viewSchema: 'bericht', language: 1031 } });
  const [row] = await bench.database.query(
    `SELECT statecode_label AS label FROM bericht.account WHERE name = 'Contoso'`,
  );
  expect(row).toEqual({ label: 'Aktiv' });
});

it('labels that have not changed are not asked for again', async () => {
  await using bench = await labelled();
  await bench.sync(TABLES, OPTIONS);
  const { requests } = bench.emulator;
  requests.clear();
  await bench.sync(['account'], OPTIONS);
  expect(requests.find({ kind: 'metadata' }).filter(({ url }) => url.includes('OptionSet'))).toEqual([]);
});

it('a view of another owner goes on reading a column that was put aside, and is reported', async () => {
  await using bench = await labelled();
  await bench.sync(TABLES, OPTIONS);
  await bench.database.query('CREATE VIEW public.report AS SELECT lastonholdtime FROM dataverse.account');
  bench.emulator.store.retypeColumn('account', 'lastonholdtime', { behavior: 'DateOnly' });
  const logged: string[] = [];
  const results = await bench.sync(['account'], { ...OPTIONS, warn: (message) => logged.push(message) });
  expect(failures(results)).toEqual({});
  expect(logged).toEqual([
    'Columns of account were replaced; public.report still reads the old columns, whose values no longer change.',
  ]);
  expect(await bench.database.query('SELECT FROM public.report')).toHaveLength(1);
});

it('the mark of deleted rows comes to the view and goes with a change of deletes', async () => {
  await using bench = await labelled();
  const marks = async (): Promise<unknown> =>
    bench.database.query(
      `SELECT FROM pg_attribute WHERE attrelid = 'dataverse_labeled.account'::regclass AND attname = '_deleted_at'`,
    );
  await bench.sync(['account'], OPTIONS);
  expect(failures(await bench.sync(['account'], { ...OPTIONS, softDeletes: true }))).toEqual({});
  expect(await marks()).toHaveLength(1);
  expect(failures(await bench.sync(['account'], OPTIONS))).toEqual({});
  expect(await marks()).toEqual([]);
});

it('a choice that is left out for a while has its label again when it comes back', async () => {
  await using bench = await labelled();
  const without = { ...OPTIONS, columns: { exclude: ['new_region'] } };
  await bench.sync(['account'], OPTIONS);
  await bench.sync(['account'], without);
  bench.emulator.store.renameOption('account', 'new_region', 100000000, ['Far North', 'Hoher Norden']);
  await bench.sync(['account'], without);
  expect(failures(await bench.sync(['account'], OPTIONS))).toEqual({});
  const labels = `SELECT new_region_label AS label FROM dataverse_labeled.account WHERE name = 'Contoso'`;
  expect(await bench.database.query(labels)).toEqual([{ label: 'Far North' }]);
});

it('a column that a policy holds back does not have labels asked for again', async () => {
  await using bench = await labelled();
  await bench.sync(['account'], OPTIONS);
  const { store, requests } = bench.emulator;
  store.addColumn('account', column('String', 'new_Fax', ['Fax', 'Fax'], { maxLength: 50, format: 'Text' }));
  const held = { ...OPTIONS, drift: { columnAdded: 'refuse' } } as const;
  expect(failures(await bench.sync(['account'], held))).toEqual({});
  requests.clear();
  expect(failures(await bench.sync(['account'], held))).toEqual({});
  expect(requests.find({ kind: 'metadata' }).filter(({ url }) => url.includes('OptionSet'))).toEqual([]);
});

describe('a view with labels that somebody is reading', () => {
  const german = { labels: { ...OPTIONS.labels, language: 1031 } };
  const label = `SELECT statecode_label AS label FROM dataverse_labeled.account WHERE name = 'Contoso'`;

  async function reading(bench: SyncBench, work: () => Promise<unknown>): Promise<void> {
    const client = await bench.database.pool.connect();
    try {
      await client.query(`BEGIN; ${label}`);
      await work();
    } finally {
      client.release(true);
    }
    expect(await bench.database.query(label)).toEqual([{ label: 'Active' }]);
  }

  it('a view with labels that could not change while somebody read it is made by the same process later', async () => {
    await using bench = await labelled();
    await bench.sync(['account'], OPTIONS);
    await using session = await bench.session(['account'], german);
    await reading(bench, async () => session.sync());
    await session.sync();
    expect(await bench.database.query(label)).toEqual([{ label: 'Aktiv' }]);
  });

  it('a view with labels that could not change while somebody read it is made by the next process', async () => {
    await using bench = await labelled();
    await bench.sync(['account'], OPTIONS);
    await reading(bench, async () => bench.sync(['account'], german));
    await bench.sync(['account'], german);
    expect(await bench.database.query(label)).toEqual([{ label: 'Aktiv' }]);
  });
});

it('a view that was dropped for a change of a column comes back although the labels cannot be read at that moment', async () => {
  await using bench = await labelled();
  await bench.sync(['account'], OPTIONS);
  bench.emulator.store.retypeColumn('account', 'numberofemployees', { kind: 'Decimal' });
  bench.emulator.faults.add({ match: { kind: 'metadata', path: 'OptionSet' }, do: { status: 403 } });
  expect(failures(await bench.sync(['account'], OPTIONS))).toEqual({});
  expect(await bench.database.query('SELECT numberofemployees FROM dataverse_labeled.account')).toHaveLength(
    1,
  );
});

it('a view that somebody dropped comes back with the next pass, and so do the tables of labels', async () => {
  await using bench = await labelled();
  await bench.sync(TABLES, OPTIONS);
  await bench.database.query('DROP VIEW dataverse_labeled.account');
  await bench.sync(TABLES, OPTIONS);
  expect(await bench.database.query('SELECT FROM dataverse_labeled.account')).toHaveLength(1);
  await bench.database.query(
    'DROP TABLE dataverse._views, dataverse._choices, dataverse._columns, dataverse._lookup_targets CASCADE',
  );
  await bench.sync(TABLES, OPTIONS);
  const [row] = await bench.database.query(`SELECT statecode_label AS label FROM dataverse_labeled.account`);
  expect(row).toEqual({ label: 'Active' });
});
