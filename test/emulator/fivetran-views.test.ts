import { describe, expect, it } from 'vitest';
import { column, text } from '../../src/emulator/table-parts/column-kinds.ts';
import { defineTable } from '../../src/emulator/table-parts/built-in-table.ts';
import { auditColumns, primaryId } from '../../src/emulator/table-parts/standard-columns.ts';
import { freshRole } from '../support/database.ts';
import { failures, SyncBench, type SyncOptions } from '../support/sync.ts';

const FIVETRAN = { labels: { fivetran: 'dynamics_365' } };

/** Names and types of the view's columns. */
async function shape(bench: SyncBench, view: string): Promise<Record<string, string>> {
  const rows = await bench.database.query<{ name: string; type: string }>(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
      WHERE attrelid = to_regclass($1) AND attnum > 0 ORDER BY attnum`,
    [view],
  );
  return Object.fromEntries(rows.map(({ name, type }) => [name, type]));
}

async function synced(tables: readonly string[], options: SyncOptions = FIVETRAN): Promise<SyncBench> {
  const bench = await SyncBench.open();
  for (const table of tables) bench.emulator.store.seed(table, 3);
  expect(failures(await bench.sync(tables, options))).toEqual({});
  return bench;
}

describe("a view in Fivetran's shape", () => {
  it("a view in Fivetran's shape has every column of the mirror table in its order, and Fivetran's after them", async () => {
    await using bench = await synced(['account', 'systemuser']);
    const added = { _fivetran_synced: 'timestamp with time zone', _fivetran_deleted: 'boolean' };
    const account = await shape(bench, 'dataverse.account');
    const user = await shape(bench, 'dataverse.systemuser');
    const accountView = await shape(bench, 'dynamics_365.account');
    const userView = await shape(bench, 'dynamics_365.systemuser');
    expect(Object.entries(accountView)).toEqual(Object.entries({ ...account, ...added }));
    expect(Object.entries(userView)).toEqual(Object.entries({ ...user, ownerid: 'uuid', ...added }));
    expect(Object.keys(await shape(bench, 'dynamics_365.stringmap'))).toContain('renamed_attributename');
    expect(await shape(bench, 'dataverse_labeled.account')).toEqual({});
  });

  it("a view in Fivetran's shape follows columns that come, change their type and go, and keeps its readers", async () => {
    await using bench = await synced(['account']);
    const { store } = bench.emulator;
    await using role = await freshRole(bench.database);
    await bench.database.query(`GRANT SELECT ON dynamics_365.account TO ${role.name}`);
    store.addColumn(
      'account',
      column('String', 'new_Fax', ['Fax', 'Fax'], { maxLength: 50, format: 'Text' }),
    );
    store.retypeColumn('account', 'numberofemployees', { kind: 'Decimal' });
    store.removeColumn('account', 'websiteurl');
    const drops = { ...FIVETRAN, drift: { columnRemoved: 'apply' } } as const;
    expect(failures(await bench.sync(['account'], drops))).toEqual({});
    const {
      _fivetran_synced: _s,
      _fivetran_deleted: _d,
      ...view
    } = await shape(bench, 'dynamics_365.account');
    expect(view).toMatchObject({ new_fax: 'text', numberofemployees: 'numeric' });
    expect(view).toEqual(await shape(bench, 'dataverse.account'));
    expect(await bench.database.query('SELECT * FROM dynamics_365.account')).toHaveLength(3);
    expect(
      await bench.database.query(
        `SELECT has_table_privilege($1, 'dynamics_365.account', 'SELECT') AS reads`,
        [role.name],
      ),
    ).toEqual([{ reads: true }]);
  });

  it("a view in Fivetran's shape tells what is marked deleted after deletes became soft, and nothing after they became hard", async () => {
    await using bench = await synced(['account']);
    const { store } = bench.emulator;
    const deleted = async (): Promise<unknown> =>
      bench.database.query(
        'SELECT _fivetran_deleted AS deleted, count(*)::int FROM dynamics_365.account GROUP BY 1 ORDER BY 1',
      );
    expect(await deleted()).toEqual([{ deleted: false, count: 3 }]);
    const soft = { ...FIVETRAN, softDeletes: true };
    const [gone = ''] = store.seed('account', 1);
    expect(failures(await bench.sync(['account'], soft))).toEqual({});
    store.remove('account', gone);
    expect(failures(await bench.sync(['account'], soft))).toEqual({});
    expect(await deleted()).toEqual([
      { deleted: false, count: 3 },
      { deleted: true, count: 1 },
    ]);
    expect(failures(await bench.sync(['account'], FIVETRAN))).toEqual({});
    expect(await deleted()).toEqual([{ deleted: false, count: 3 }]);
  });

  it("a view in Fivetran's shape that somebody dropped is made again, and one of somebody else is left alone", async () => {
    await using bench = await synced(['account', 'contact']);
    await bench.database.query('DROP VIEW dynamics_365.account');
    expect(failures(await bench.sync(['account'], FIVETRAN))).toEqual({});
    expect(await bench.database.query('SELECT FROM dynamics_365.account')).toHaveLength(3);

    await bench.database.query('CREATE TABLE dynamics_365.lead (mine text)');
    expect(failures(await bench.sync(['lead'], FIVETRAN))).toEqual({});
    expect(await shape(bench, 'dynamics_365.lead')).toEqual({ mine: 'text' });
  });

  it("views in Fivetran's shape are made after an update from a version that only made stringmap", async () => {
    await using bench = await synced(['account']);
    const { database } = bench;
    await database.query('DROP VIEW dynamics_365.account');
    await database.query(
      `DELETE FROM dataverse._views WHERE view_schema = 'dynamics_365' AND view_name = 'account'`,
    );
    await database.query(`UPDATE mirrorverse.environments SET view_wishes = '{"fivetran":"dynamics_365"}'`);
    expect(failures(await bench.sync(['account'], FIVETRAN))).toEqual({});
    expect(await database.query('SELECT FROM dynamics_365.account')).toHaveLength(3);
  });

  it("stringmap is the only view in Fivetran's shape in the schema of the mirror tables", async () => {
    await using bench = await synced(['account', 'systemuser'], { labels: { fivetran: 'dataverse' } });
    expect(
      await bench.database.query(
        `SELECT viewname AS name FROM pg_views WHERE schemaname = 'dataverse' ORDER BY 1`,
      ),
    ).toEqual([{ name: '_freshness' }, { name: 'stringmap' }]);
  });

  it("a mirror table of Dataverse's stringmap has no view in Fivetran's shape, for labels have its name", async () => {
    const stringmap = defineTable({
      schemaName: 'StringMap',
      entitySetName: 'stringmaps',
      objectTypeCode: 1043,
      displayName: ['String Map', 'Zeichenfolgenzuordnung'],
      displayCollectionName: ['String Maps', 'Zeichenfolgenzuordnungen'],
      columns: [
        primaryId('StringMapId', ['String Map', 'Zeichenfolgenzuordnung']),
        text('Value', ['Value', 'Wert'], 100, { isPrimaryName: true }),
        ...auditColumns(),
      ],
    });
    await using bench = await SyncBench.open({ tables: [stringmap] });
    bench.emulator.store.seed('stringmap', 2);
    expect(failures(await bench.sync(['stringmap'], FIVETRAN))).toEqual({});
    const german = { labels: { ...FIVETRAN.labels, language: 1031 } };
    expect(failures(await bench.sync(['stringmap'], german))).toEqual({});
    expect(Object.keys(await shape(bench, 'dynamics_365.stringmap'))).toContain('objecttypecode');
    expect(await bench.database.query('SELECT FROM dataverse.stringmap')).toHaveLength(2);
  });
});
