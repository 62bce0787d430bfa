import { describe, expect, it } from 'vitest';
import { forgetTables } from '../../src/mirror/control/forget-table.ts';
import { freshRole, type TestRole } from '../support/database.ts';
import { id, page, row, THING_COLUMNS, thingWith, tombstone } from '../support/hand-made.ts';
import { never, testMirror } from '../support/mirror.ts';
import {
  SHORT_RECORDS,
  openThing,
  loadedThing,
  deltaLink,
  asOfVersion,
  expectSame,
} from '../support/thing-history.ts';

describe('a table that is forgotten', () => {
  it('a forgotten table keeps its history without triggers, and loses it if the mirror table is dropped', async () => {
    await using test = await testMirror();
    const table = await loadedThing(test);
    await table.writer.close();
    const forget = async (drop: boolean): Promise<unknown> => {
      await test.database.query('UPDATE mirrorverse.tables SET lease_holder = NULL, lease_expires_at = NULL');
      return forgetTables(test.mirror, test.mirror.store, ['thing'], drop);
    };
    await forget(false);
    await test.database.query('DELETE FROM dataverse.thing');
    expect(await test.database.query(SHORT_RECORDS)).toHaveLength(3);
    await test.mirror.register(['thing']);
    const again = await openThing(test);
    await again.writer.close();
    await test.database.query(`CREATE VIEW mine AS SELECT * FROM dataverse_history.thing_as_of(now())`);
    await expect(forget(true)).rejects.toMatchObject({ code: 'dependent-objects' });
    await test.database.query(`DROP VIEW mine`);
    await forget(true);
    const left = await test.database.query(
      `SELECT to_regclass('dataverse_history.thing') AS records, to_regproc('dataverse_history.thing_as_of') AS function`,
    );
    expect(left).toEqual([{ records: null, function: null }]);
  });
});

describe('the columns of a history', () => {
  it('a history follows columns that come, go, become wider and change their type', async () => {
    await using test = await testMirror();
    await loadedThing(test);
    await test.database.query(
      `UPDATE dataverse.thing SET count = 5, ratio = 1.5 WHERE versionnumber = 1; ALTER TABLE dataverse.thing DROP COLUMN big`,
    );
    const changed = thingWith([
      ...THING_COLUMNS.filter(([name]) => name !== 'big').map(([name, type]): [string, typeof type] => [
        name,
        name === 'count' ? 'bigint' : name === 'ratio' ? 'integer' : type,
      ]),
      ['added', 'text'],
    ]);
    const table = await openThing(test, { table: changed, phase: 'stored' });
    await table.write(page([row(1, 9, { added: '"new"', count: '7', ratio: '2' })], 'delta', changed), true);
    const [day] = await test.database.query<{ name: string }>(
      `SELECT attname AS name FROM pg_attribute WHERE attrelid = 'dataverse.thing'::regclass AND attname LIKE 'ratio\\_%'`,
    );
    const records = await test.database.query(
      `SELECT added, count::text, ratio, "${day?.name}" AS former, pg_typeof(count)::text AS type FROM dataverse_history.thing
        WHERE thingid = '${id(1)}' ORDER BY _valid_from`,
    );
    expect(records).toEqual([
      { added: null, count: null, ratio: null, former: null, type: 'bigint' },
      { added: null, count: '5', ratio: null, former: 1.5, type: 'bigint' },
      { added: 'new', count: '7', ratio: 2, former: 1.5, type: 'bigint' },
    ]);
    const [lost] = await test.database.query<{ comment: string }>(
      `SELECT col_description('dataverse_history.thing'::regclass, attnum) AS comment FROM pg_attribute
        WHERE attrelid = 'dataverse_history.thing'::regclass AND attname = 'big'`,
    );
    expect(lost?.comment).toBe('The mirror table no longer has this column.');
    await expectSame(test);
  });

  it('a view on a column that becomes wider keeps nothing from changing: the history gets a new column', async () => {
    await using test = await testMirror();
    await loadedThing(test);
    await test.database.query('CREATE VIEW mine AS SELECT count FROM dataverse_history.thing');
    const wider = thingWith(THING_COLUMNS.map(([name, type]) => [name, name === 'count' ? 'bigint' : type]));
    await openThing(test, { table: wider, phase: 'stored' });
    const [types] = await test.database.query(
      'SELECT pg_typeof(count)::text AS count, pg_typeof(count_before)::text AS before FROM dataverse_history.thing',
    );
    expect(types).toEqual({ count: 'bigint', before: 'integer' });
    await expectSame(test);
  });

  it('values that are hashed from now on leave the history too, although it is turned off', async () => {
    await using test = await testMirror();
    await loadedThing(test);
    const hashed = thingWith(THING_COLUMNS.map(([name, type]) => [name, name === 'name' ? 'hash' : type]));
    await openThing(test, { table: hashed, phase: 'stored', history: false });
    const text = await test.database.query('SELECT to_jsonb(h) AS record FROM dataverse_history.thing h');
    expect(JSON.stringify(text)).not.toMatch(/"name":"[ab]"/);
    await openThing(test, { table: hashed, phase: 'stored' });
    await expectSame(test);
  });
});

describe('readers of a history', () => {
  it('a condition on the key reaches an index through the function', async () => {
    await using test = await testMirror();
    await loadedThing(test);
    await test.database.query(
      `INSERT INTO dataverse.thing (thingid, versionnumber) SELECT gen_random_uuid(), 100 + i FROM generate_series(1, 5000) i;
       ANALYZE dataverse_history.thing`,
    );
    const plan = await test.database.query(
      `EXPLAIN SELECT * FROM dataverse_history.thing_as_of(now() - interval '1 day') WHERE thingid = '${id(1)}'`,
    );
    expect(JSON.stringify(plan)).toMatch(/Index Scan/);
    expect(JSON.stringify(plan)).not.toMatch(/Function Scan|Seq Scan/);
  });

  it('a version gives the rows of that version, and a deletion counts from the delta link before it', async () => {
    await using test = await testMirror();
    const table = await loadedThing(test);
    await test.database.query(deltaLink(10));
    await table.write(page([row(1, 12, { name: '"n"' })], 'delta'));
    await test.database.query(deltaLink(20));
    await table.write(page([tombstone(2), row(1, 25, { name: '"m"' })], 'next'));
    await table.write(page([tombstone(3)], 'delta'));
    await test.database.query(deltaLink(30));
    // A row that is restored may come back with the version that it had.
    await table.write(page([row(2, 2)], 'delta'), true);
    expect(await asOfVersion(test, 1)).toEqual(['1a']);
    expect(await asOfVersion(test, 11)).toEqual(['1a', '2b', '3']);
    expect(await asOfVersion(test, 20)).toEqual(['1n', '2b', '3']);
    expect(await asOfVersion(test, 21)).toEqual(['1n']);
    expect(await asOfVersion(test, 25)).toEqual(['1m']);
    expect(await asOfVersion(test, 30)).toEqual(['1m', '2']);
  });

  it('a row that a re-baseline finds to be gone is gone at the version of its link, and not before', async () => {
    await using test = await testMirror();
    const table = await loadedThing(test);
    await test.database.query(deltaLink(10));
    await test.database.query(
      `UPDATE mirrorverse.tables SET phase = 'rebaseline'; DELETE FROM dataverse.thing WHERE thingid = '${id(2)}'`,
    );
    expect(await asOfVersion(test, 9)).toEqual(['1a', '2b', '3']);
    expect(await asOfVersion(test, 10)).toEqual(['1a', '3']);
    // A row that comes back with the version that it had counts from the link, and not from before its deletion.
    await table.write(page([row(2, 2, { name: '"b"' })], 'delta'));
    expect(await asOfVersion(test, 9)).toEqual(['1a', '2b', '3']);
    expect(await asOfVersion(test, 10)).toEqual(['1a', '2b', '3']);
  });

  it('a deletion from a table without a readable link counts from the newest version of the environment', async () => {
    await using test = await testMirror();
    await loadedThing(test);
    await test.database.query(deltaLink(10));
    await test.database.query(
      `INSERT INTO mirrorverse.tables (environment_id, "table", link, link_kind) SELECT environment_id, 'other', link, link_kind FROM mirrorverse.tables WHERE "table" = 'thing';
       UPDATE mirrorverse.tables SET link = NULL, link_kind = NULL, delta_version = NULL, phase = 'rebaseline' WHERE "table" = 'thing';
       DELETE FROM dataverse.thing WHERE thingid = '${id(2)}'`,
    );
    expect(await asOfVersion(test, 10)).toEqual(['1a', '2b', '3']);
    expect(await asOfVersion(test, 11)).toEqual(['1a', '3']);
  });

  it('records that ended longer ago than they are kept are deleted, and open ones stay', async () => {
    await using test = await testMirror();
    const table = await loadedThing(test);
    await table.write(page([row(1, 5), tombstone(2)], 'delta'), true);
    await test.database.query(
      `UPDATE dataverse_history.thing SET _valid_from = _valid_from - interval '3 days', _valid_to = _valid_to - interval '2 days'`,
    );
    const expire = async (days: number): Promise<number> =>
      test.mirror.expireHistory('thing', days * 86_400_000, never);
    expect(await expire(3)).toBe(0);
    expect(await expire(1)).toBe(2);
    expect(await test.database.query(SHORT_RECORDS)).toMatchObject([
      { key: '1', version: 5 },
      { key: '2', deleted: true },
      { key: '3' },
    ]);
    expect(await test.mirror.expireHistory('account', 1, never)).toBe(0);
  });

  it('readers of a mirror table may read its new history, of the same columns, and nobody may where rows have policies', async () => {
    await using test = await testMirror();
    const table = await openThing(test, { history: false });
    await table.write(page([row(1, 1)], 'delta'), true);
    await using all = await freshRole(test.database);
    await using some = await freshRole(test.database);
    await using none = await freshRole(test.database);
    await test.database.query(
      `GRANT USAGE ON SCHEMA dataverse TO ${all.name}, ${some.name}, ${none.name};
       GRANT SELECT, UPDATE ON dataverse.thing TO ${all.name}; GRANT SELECT (thingid, name) ON dataverse.thing TO ${some.name}`,
    );
    // Where an administrator has made the schema, its grants are the administrator's.
    const [schema] = await test.database.query(`SELECT to_regnamespace('dataverse_history') IS NULL AS made`);
    await openThing(test, { phase: 'stored' });
    const may = async ({ name }: TestRole, column: string): Promise<unknown> => {
      const [found] = await test.database.query<{ may: boolean }>(
        `SELECT has_column_privilege($1, 'dataverse_history.thing', $2, 'SELECT') AS may`,
        [name, column],
      );
      return found?.may;
    };
    const enters = `SELECT has_schema_privilege($1, 'dataverse_history', 'USAGE') AS made`;
    expect(await test.database.query(enters, [none.name])).toEqual([schema]);
    expect(await may(all, 'amount')).toBe(true);
    expect(await may(some, 'name')).toBe(true);
    expect(await may(some, '_valid_from')).toBe(true);
    expect(await may(some, 'amount')).toBe(false);
    expect(await may(none, 'thingid')).toBe(false);
    await test.database.query(
      'DROP TABLE dataverse_history.thing CASCADE; ALTER TABLE dataverse.thing ENABLE ROW LEVEL SECURITY',
    );
    await openThing(test, { phase: 'stored' });
    expect(await may(all, 'amount')).toBe(false);
  });

  it('a publication for all tables does not keep a record from being closed', async () => {
    await using test = await testMirror();
    const table = await loadedThing(test);
    await test.database.query('CREATE PUBLICATION everything FOR ALL TABLES');
    await table.write(page([row(1, 5)], 'delta'), true);
    expect(await test.database.query(`${SHORT_RECORDS} LIMIT 2`)).toMatchObject([
      { version: 1, open: false },
      { version: 5, open: true },
    ]);
  });

  it('a name that something else has is told before anything is loaded', async () => {
    await using test = await testMirror();
    await test.database.query(
      'CREATE SCHEMA IF NOT EXISTS dataverse_history; CREATE VIEW dataverse_history.thing AS SELECT 1',
    );
    await expect(openThing(test)).rejects.toMatchObject({ code: 'name-taken' });
  });
});
