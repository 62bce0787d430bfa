import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { transaction } from '../../src/mirror/connection/postgres.ts';
import { forgetTables } from '../../src/mirror/control/forget-table.ts';
import { planHistory } from '../../src/mirror/history/history-triggers.ts';
import type { Page } from '../../src/model/page.ts';
import type { Table } from '../../src/model/table.ts';
import { freshRole, type TestRole } from '../support/database.ts';
import { id, page, row, THING, THING_COLUMNS, thingWith, tombstone } from '../support/hand-made.ts';
import { mirrorRows, rowsAsOf } from '../support/history.ts';
import { never, testMirror, WritingTable, type TestMirror } from '../support/mirror.ts';

/** Records in the order of rows and time; whether each of them is open. */
const SHORT = `SELECT right(thingid::text, 1) AS key, name, _version::int AS version, _deleted AS deleted, _valid_to IS NULL AS open
  FROM dataverse_history.thing ORDER BY thingid, _valid_from, _valid_to NULLS LAST`;

type OpenOptions = {
  readonly history?: boolean;
  readonly softDeletes?: boolean;
  readonly table?: Table;
  readonly phase?: 'rebaseline' | 'stored';
};

async function open(test: TestMirror, options: OpenOptions = {}): Promise<WritingTable> {
  await test.database.query('UPDATE mirrorverse.tables SET lease_holder = NULL');
  const { table = THING, history = true, ...more } = options;
  return WritingTable.open(test.mirror, table, { history, ...more });
}

/** A table of three rows, loaded, with a history. */
async function loaded(test: TestMirror, options: OpenOptions = {}): Promise<WritingTable> {
  const table = await open(test, options);
  await table.write(page([row(1, 1, { name: '"a"' }), row(2, 2, { name: '"b"' }), row(3, 3)], 'delta'));
  return table;
}

/** SQL that gives a table a delta link of a version, which the links of the other tests do not tell. */
function link(version: number): string {
  return `UPDATE mirrorverse.tables SET link = 'https://org/things?$deltatoken=${version}!01', link_kind = 'delta'`;
}

/** Last digit of the key and name of each row that a version has. */
async function asOfVersion({ database }: TestMirror, version: number): Promise<string[]> {
  const rows = await database.query<{ row: string }>(
    `SELECT concat(right(thingid::text, 1), name) AS row FROM dataverse_history.thing_as_of_version($1) ORDER BY 1`,
    [version],
  );
  return rows.map(({ row: text }) => text);
}

async function moment({ database }: TestMirror): Promise<string> {
  const [found] = await database.query<{ at: string }>('SELECT clock_timestamp()::text AS at');
  return `'${found?.at}'::timestamptz`;
}

/** Expects that the history says of now what the mirror table says. */
async function expectSame({ database }: TestMirror): Promise<void> {
  expect(await rowsAsOf(database, 'thing', 'clock_timestamp()')).toEqual(await mirrorRows(database, 'thing'));
}

describe('the history of a table', () => {
  it('a baseline gives each row one open record, and a change closes the record where the next one begins', async () => {
    await using test = await testMirror();
    const table = await open(test);
    await table.write(page([row(1, 1, { name: '"a"' }), row(2, 2)], 'next'));
    expect(await test.database.query(SHORT)).toEqual([]);
    await table.write(page([row(3, 3)], 'delta'));
    await table.write(page([row(1, 4, { name: '"b"' }), row(2, 2), row(4, 5)], 'delta'), true);
    expect(await test.database.query(SHORT)).toEqual([
      { key: '1', name: 'a', version: 1, deleted: false, open: false },
      { key: '1', name: 'b', version: 4, deleted: false, open: true },
      { key: '2', name: null, version: 2, deleted: false, open: true },
      { key: '3', name: null, version: 3, deleted: false, open: true },
      { key: '4', name: null, version: 5, deleted: false, open: true },
    ]);
    const gaps = await test.database.query(
      `SELECT FROM dataverse_history.thing a JOIN dataverse_history.thing b USING (thingid)
        WHERE a._valid_to IS NOT NULL AND b._valid_to IS NULL AND a._valid_to <> b._valid_from`,
    );
    expect(gaps).toEqual([]);
    await expectSame(test);
  });

  it.each([false, true])(
    'a deleted row has a record that says so and what the row was last, until it comes back (soft deletes: %s)',
    async (softDeletes) => {
      await using test = await testMirror();
      const table = await loaded(test, { softDeletes });
      const before = await moment(test);
      await table.write(page([tombstone(1)], 'delta'));
      const between = await moment(test);
      expect(await rowsAsOf(test.database, 'thing', between)).toHaveLength(2);
      await table.write(page([row(1, 9, { name: '"z"' })], 'delta'), true);
      expect(await test.database.query(`${SHORT} LIMIT 3`)).toEqual([
        { key: '1', name: 'a', version: 1, deleted: false, open: false },
        { key: '1', name: 'a', version: 1, deleted: true, open: false },
        { key: '1', name: 'z', version: 9, deleted: false, open: true },
      ]);
      expect(await rowsAsOf(test.database, 'thing', before)).toHaveLength(3);
      expect(await rowsAsOf(test.database, 'thing', between)).toHaveLength(2);
      await expectSame(test);
    },
  );

  it('a marked row that changes or goes is no news for the history', async () => {
    await using test = await testMirror();
    const table = await loaded(test, { softDeletes: true });
    await table.write(page([tombstone(1)], 'delta'), true);
    const before = await test.database.query(SHORT);
    await test.database.query(`UPDATE dataverse.thing SET name = 'x' WHERE _deleted_at IS NOT NULL`);
    await test.database.query(`DELETE FROM dataverse.thing WHERE _deleted_at IS NOT NULL`);
    expect(await test.database.query(SHORT)).toEqual(before);
  });

  it('a write that changes no value leaves no record; 1.0 and 1.00, and texts that a collation calls equal, differ', async () => {
    await using test = await testMirror();
    await loaded(test);
    await test.database.query(
      `CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
       ALTER TABLE dataverse.thing ALTER COLUMN name TYPE text COLLATE blind`,
    );
    await test.database.query(`UPDATE dataverse.thing SET name = name, _mirrored_at = now()`);
    const count = 'SELECT count(*)::int AS records FROM dataverse_history.thing';
    expect(await test.database.query(count)).toEqual([{ records: 3 }]);
    await test.database.query(`UPDATE dataverse.thing SET name = 'A' WHERE versionnumber = 1`);
    await test.database.query(`UPDATE dataverse.thing SET amount = 1.0 WHERE versionnumber = 2`);
    await test.database.query(`UPDATE dataverse.thing SET amount = 1.00 WHERE versionnumber = 2`);
    expect(await test.database.query(count)).toEqual([{ records: 6 }]);
  });

  it('a re-baseline records what really changed, and what its sweep deletes', async () => {
    await using test = await testMirror();
    await loaded(test);
    const table = await open(test, { phase: 'rebaseline' });
    await table.write(page([row(1, 1, { name: '"a"' }), row(2, 7, { name: '"c"' })], 'delta'));
    await table.write(page([], 'delta'), true);
    expect(await test.database.query(SHORT)).toEqual([
      { key: '1', name: 'a', version: 1, deleted: false, open: true },
      { key: '2', name: 'b', version: 2, deleted: false, open: false },
      { key: '2', name: 'c', version: 7, deleted: false, open: true },
      { key: '3', name: null, version: 3, deleted: false, open: false },
      { key: '3', name: null, version: 3, deleted: true, open: true },
    ]);
  });

  it('a history that is turned on for a loaded table begins with its rows; turned off it stays, and turned on again it has what changed meanwhile', async () => {
    await using test = await testMirror();
    const plain = await open(test, { history: false });
    await plain.write(page([row(1, 1, { name: '"a"' }), row(2, 2), row(3, 3)], 'delta'), true);
    const before = await moment(test);
    await open(test, { phase: 'stored' });
    await open(test, { phase: 'stored' });
    expect(await test.database.query(SHORT)).toHaveLength(3);
    expect(await rowsAsOf(test.database, 'thing', before)).toEqual([]);
    await open(test, { phase: 'stored', history: false });
    const triggers = await test.database.query(
      `SELECT tgname FROM pg_trigger WHERE tgrelid = 'dataverse.thing'::regclass`,
    );
    expect(triggers).toEqual([{ tgname: 'mirrorverse_truncated' }]);
    await test.database.query(
      `UPDATE dataverse.thing SET name = 'b' WHERE versionnumber = 1; DELETE FROM dataverse.thing WHERE versionnumber = 2;
       INSERT INTO dataverse.thing (thingid, versionnumber) VALUES ('${id(4)}', 4)`,
    );
    expect(await test.database.query(SHORT)).toHaveLength(3);
    await open(test, { phase: 'stored' });
    expect(await test.database.query(SHORT)).toMatchObject([
      { key: '1', name: 'a', open: false },
      { key: '1', name: 'b', open: true },
      { key: '2', deleted: false, open: false },
      { key: '2', deleted: true, open: true },
      { key: '3', open: true },
      { key: '4', open: true },
    ]);
    await expectSame(test);
  });

  it('a plan says whether a history begins or ends with the next run', async () => {
    await using test = await testMirror();
    const { target } = await loaded(test, { history: false });
    const planned = async (isWanted: boolean): Promise<unknown> =>
      transaction(test.mirror.pool, async (client) =>
        planHistory(client, test.mirror.store, target, isWanted),
      );
    expect([await planned(true), await planned(false)]).toEqual(['begin', null]);
    await open(test, { phase: 'stored' });
    expect([await planned(true), await planned(false)]).toEqual([null, 'end']);
    await test.database.query('DROP TRIGGER mirrorverse_history_delete ON dataverse.thing');
    expect([await planned(true), await planned(false)]).toEqual(['begin', 'end']);
  });

  it.each([`TRUNCATE dataverse.thing`, `DROP TABLE dataverse.thing`])(
    'the load after %s is compared with the open records',
    async (statement) => {
      await using test = await testMirror();
      await loaded(test);
      await test.database.query(statement);
      const table = await open(test);
      await table.write(page([row(1, 1, { name: '"a"' })], 'next'));
      await table.write(page([row(3, 9)], 'delta'), true);
      expect(await test.database.query(SHORT)).toMatchObject([
        { key: '1', open: true },
        { key: '2', deleted: false, open: false },
        { key: '2', deleted: true, open: true },
        { key: '3', version: 3, open: false },
        { key: '3', version: 9, open: true },
      ]);
      await expectSame(test);
    },
  );

  it('history and change log begin with the end of a re-baseline that is the first load, over rows that the state did not know', async () => {
    await using test = await testMirror();
    const before = await WritingTable.open(test.mirror, THING);
    await before.write(page([row(1, 1), row(2, 2)], 'delta'));
    await before.writer.close();
    await test.database.query(
      `UPDATE mirrorverse.tables SET phase = 'new', link = NULL, link_kind = NULL, selection = NULL, lease_holder = NULL, lease_expires_at = NULL`,
    );
    const table = await WritingTable.open(test.mirror, THING, {
      phase: 'rebaseline',
      feed: 'marker',
      history: true,
    });
    await table.write(page([row(1, 5)], 'delta'));
    await table.write(page([], 'delta'));
    await expectSame(test);
    await table.write(page([row(1, 8)], 'delta'));
    await expectSame(test);
    expect(await test.database.query(SHORT)).toMatchObject([
      { key: '1', version: 5, open: false },
      { key: '1', version: 8, open: true },
    ]);
    expect(
      await test.database.query('SELECT operation FROM mirrorverse.changes ORDER BY xact, position'),
    ).toEqual([{ operation: 'b' }, { operation: 'u' }]);
  });

  it('a history that was dropped by hand stops no page, and the next preparation makes it anew', async () => {
    await using test = await testMirror();
    const table = await loaded(test);
    await test.database.query('DROP TABLE dataverse_history.thing CASCADE');
    await table.write(page([row(1, 8)], 'delta'), true);
    await open(test, { phase: 'stored' });
    await expectSame(test);
    expect(await test.database.query(SHORT)).toHaveLength(3);
  });

  it('a change by hand is recorded, also of a key, and also by somebody who may not use the history', async () => {
    await using test = await testMirror();
    await loaded(test);
    await using editor = await freshRole(test.database);
    await test.database.query(
      `GRANT USAGE ON SCHEMA dataverse TO ${editor.name}; GRANT SELECT, UPDATE ON dataverse.thing TO ${editor.name};
       SET ROLE ${editor.name}; UPDATE dataverse.thing SET thingid = '${id(7)}', name = 'moved' WHERE versionnumber = 1; RESET ROLE`,
    );
    expect(await test.database.query(SHORT)).toMatchObject([
      { key: '1', deleted: false, open: false },
      { key: '1', name: 'a', deleted: true, open: true },
      { key: '2' },
      { key: '3' },
      { key: '7', name: 'moved', deleted: false, open: true },
    ]);
  });

  it('several changes in one transaction leave the last one valid, and records of no length before it', async () => {
    await using test = await testMirror();
    await loaded(test);
    const before = await moment(test);
    await test.database.query(
      `BEGIN; UPDATE dataverse.thing SET name = 'x' WHERE versionnumber = 1; DELETE FROM dataverse.thing WHERE versionnumber = 1;
       INSERT INTO dataverse.thing (thingid, versionnumber, name) VALUES ('${id(1)}', 1, 'y'); COMMIT`,
    );
    const lasting = await test.database.query(
      `SELECT name, _deleted AS deleted FROM dataverse_history.thing
        WHERE thingid = '${id(1)}' AND _valid_from IS DISTINCT FROM _valid_to ORDER BY _valid_from`,
    );
    expect(lasting).toEqual([
      { name: 'a', deleted: false },
      { name: 'y', deleted: false },
    ]);
    expect((await rowsAsOf(test.database, 'thing', before)).join()).toContain(',a,');
    await expectSame(test);
  });

  it('a record never ends before it begins, although a transaction that began earlier changes the row later', async () => {
    await using test = await testMirror();
    await loaded(test);
    const early = new Client(test.database.url);
    await early.connect();
    try {
      await early.query('BEGIN; SELECT now()');
      await test.database.query(`UPDATE dataverse.thing SET name = 'late' WHERE versionnumber = 1`);
      await early.query(`UPDATE dataverse.thing SET name = 'early' WHERE versionnumber = 1; COMMIT`);
    } finally {
      await early.end();
    }
    const wrong = await test.database.query(
      'SELECT FROM dataverse_history.thing WHERE _valid_to < _valid_from',
    );
    expect(wrong).toEqual([]);
    await expectSame(test);
  });

  it('rows of an elastic table are told apart by partition, also where it is null', async () => {
    await using test = await testMirror();
    const elastic = { ...thingWith([...THING_COLUMNS, ['partitionid', 'text']]), partition: 'partitionid' };
    const table = await open(test, { table: elastic });
    const pageOf = (a: number, none: number): Page =>
      page([row(1, a, { partitionid: '"a"' }), row(1, none, { partitionid: 'null' })], 'delta', elastic);
    await table.write(pageOf(1, 2));
    await table.write(pageOf(3, 2), true);
    await test.database.query('DELETE FROM dataverse.thing WHERE partitionid IS NULL');
    const records = await test.database.query(
      `SELECT partitionid, _version::int AS version, _deleted AS deleted FROM dataverse_history.thing ORDER BY 1, _valid_from`,
    );
    expect(records).toEqual([
      { partitionid: 'a', version: 1, deleted: false },
      { partitionid: 'a', version: 3, deleted: false },
      { partitionid: null, version: 2, deleted: false },
      { partitionid: null, version: 2, deleted: true },
    ]);
    await expectSame(test);
    const cut = await test.database.query(
      `SELECT to_regproc('dataverse_history.thing_as_of_version') AS found`,
    );
    expect(cut).toEqual([{ found: null }]);
  });
});

describe('a table that is forgotten', () => {
  it('a forgotten table keeps its history without triggers, and loses it if the mirror table is dropped', async () => {
    await using test = await testMirror();
    const table = await loaded(test);
    await table.writer.close();
    const forget = async (drop: boolean): Promise<unknown> => {
      await test.database.query('UPDATE mirrorverse.tables SET lease_holder = NULL, lease_expires_at = NULL');
      return forgetTables(test.mirror, test.mirror.store, ['thing'], drop);
    };
    await forget(false);
    await test.database.query('DELETE FROM dataverse.thing');
    expect(await test.database.query(SHORT)).toHaveLength(3);
    await test.mirror.register(['thing']);
    const again = await open(test);
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
    await loaded(test);
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
    const table = await open(test, { table: changed, phase: 'stored' });
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
    await loaded(test);
    await test.database.query('CREATE VIEW mine AS SELECT count FROM dataverse_history.thing');
    const wider = thingWith(THING_COLUMNS.map(([name, type]) => [name, name === 'count' ? 'bigint' : type]));
    await open(test, { table: wider, phase: 'stored' });
    const [types] = await test.database.query(
      'SELECT pg_typeof(count)::text AS count, pg_typeof(count_before)::text AS before FROM dataverse_history.thing',
    );
    expect(types).toEqual({ count: 'bigint', before: 'integer' });
    await expectSame(test);
  });

  it('values that are hashed from now on leave the history too, although it is turned off', async () => {
    await using test = await testMirror();
    await loaded(test);
    const hashed = thingWith(THING_COLUMNS.map(([name, type]) => [name, name === 'name' ? 'hash' : type]));
    await open(test, { table: hashed, phase: 'stored', history: false });
    const text = await test.database.query('SELECT to_jsonb(h) AS record FROM dataverse_history.thing h');
    expect(JSON.stringify(text)).not.toMatch(/"name":"[ab]"/);
    await open(test, { table: hashed, phase: 'stored' });
    await expectSame(test);
  });
});

describe('readers of a history', () => {
  it('a condition on the key reaches an index through the function', async () => {
    await using test = await testMirror();
    await loaded(test);
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
    const table = await loaded(test);
    await test.database.query(link(10));
    await table.write(page([row(1, 12, { name: '"n"' })], 'delta'));
    await test.database.query(link(20));
    await table.write(page([tombstone(2), row(1, 25, { name: '"m"' })], 'next'));
    await table.write(page([tombstone(3)], 'delta'));
    await test.database.query(link(30));
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
    const table = await loaded(test);
    await test.database.query(link(10));
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
    await loaded(test);
    await test.database.query(link(10));
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
    const table = await loaded(test);
    await table.write(page([row(1, 5), tombstone(2)], 'delta'), true);
    await test.database.query(
      `UPDATE dataverse_history.thing SET _valid_from = _valid_from - interval '3 days', _valid_to = _valid_to - interval '2 days'`,
    );
    const expire = async (days: number): Promise<number> =>
      test.mirror.expireHistory('thing', days * 86_400_000, never);
    expect(await expire(3)).toBe(0);
    expect(await expire(1)).toBe(2);
    expect(await test.database.query(SHORT)).toMatchObject([
      { key: '1', version: 5 },
      { key: '2', deleted: true },
      { key: '3' },
    ]);
    expect(await test.mirror.expireHistory('account', 1, never)).toBe(0);
  });

  it('readers of a mirror table may read its new history, of the same columns, and nobody may where rows have policies', async () => {
    await using test = await testMirror();
    const table = await open(test, { history: false });
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
    await open(test, { phase: 'stored' });
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
    await open(test, { phase: 'stored' });
    expect(await may(all, 'amount')).toBe(false);
  });

  it('a publication for all tables does not keep a record from being closed', async () => {
    await using test = await testMirror();
    const table = await loaded(test);
    await test.database.query('CREATE PUBLICATION everything FOR ALL TABLES');
    await table.write(page([row(1, 5)], 'delta'), true);
    expect(await test.database.query(`${SHORT} LIMIT 2`)).toMatchObject([
      { version: 1, open: false },
      { version: 5, open: true },
    ]);
  });

  it('a name that something else has is told before anything is loaded', async () => {
    await using test = await testMirror();
    await test.database.query(
      'CREATE SCHEMA IF NOT EXISTS dataverse_history; CREATE VIEW dataverse_history.thing AS SELECT 1',
    );
    await expect(open(test)).rejects.toMatchObject({ code: 'name-taken' });
  });
});
