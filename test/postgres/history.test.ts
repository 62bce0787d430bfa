import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { transaction } from '../../src/mirror/connection/postgres.ts';
import { planHistory } from '../../src/mirror/history/history-triggers.ts';
import type { Page } from '../../src/model/page.ts';
import { freshRole } from '../support/database.ts';
import { id, page, row, THING, THING_COLUMNS, thingWith, tombstone } from '../support/hand-made.ts';
import { rowsAsOf } from '../support/history.ts';
import { testMirror, WritingTable } from '../support/mirror.ts';
import { SHORT_RECORDS, openThing, loadedThing, moment, expectSame } from '../support/thing-history.ts';

describe('the history of a table', () => {
  it('a baseline gives each row one open record, and a change closes the record where the next one begins', async () => {
    await using test = await testMirror();
    const table = await openThing(test);
    await table.write(page([row(1, 1, { name: '"a"' }), row(2, 2)], 'next'));
    expect(await test.database.query(SHORT_RECORDS)).toEqual([]);
    await table.write(page([row(3, 3)], 'delta'));
    await table.write(page([row(1, 4, { name: '"b"' }), row(2, 2), row(4, 5)], 'delta'), true);
    expect(await test.database.query(SHORT_RECORDS)).toEqual([
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
      const table = await loadedThing(test, { softDeletes });
      const before = await moment(test);
      await table.write(page([tombstone(1)], 'delta'));
      const between = await moment(test);
      expect(await rowsAsOf(test.database, 'thing', between)).toHaveLength(2);
      await table.write(page([row(1, 9, { name: '"z"' })], 'delta'), true);
      expect(await test.database.query(`${SHORT_RECORDS} LIMIT 3`)).toEqual([
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
    const table = await loadedThing(test, { softDeletes: true });
    await table.write(page([tombstone(1)], 'delta'), true);
    const before = await test.database.query(SHORT_RECORDS);
    await test.database.query(`UPDATE dataverse.thing SET name = 'x' WHERE _deleted_at IS NOT NULL`);
    await test.database.query(`DELETE FROM dataverse.thing WHERE _deleted_at IS NOT NULL`);
    expect(await test.database.query(SHORT_RECORDS)).toEqual(before);
  });

  it('a write that changes no value leaves no record; 1.0 and 1.00, and texts that a collation calls equal, differ', async () => {
    await using test = await testMirror();
    await loadedThing(test);
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

  it('a zero that becomes a negative zero of double precision leaves a record, because a reader can tell them apart', async () => {
    await using test = await testMirror();
    await loadedThing(test);
    for (const value of ['0', '0', '-0'])
      await test.database.query(`UPDATE dataverse.thing SET ratio = '${value}' WHERE versionnumber = 1`);
    expect(
      await test.database.query(
        `SELECT ratio::text, _valid_to IS NULL AS open FROM dataverse_history.thing WHERE _version = 1 ORDER BY _valid_from, open`,
      ),
    ).toEqual([
      { ratio: null, open: false },
      { ratio: '0', open: false },
      { ratio: '-0', open: true },
    ]);
  });

  it('a re-baseline records what really changed, and what its sweep deletes', async () => {
    await using test = await testMirror();
    await loadedThing(test);
    const table = await openThing(test, { phase: 'rebaseline' });
    await table.write(page([row(1, 1, { name: '"a"' }), row(2, 7, { name: '"c"' })], 'delta'));
    await table.write(page([], 'delta'), true);
    expect(await test.database.query(SHORT_RECORDS)).toEqual([
      { key: '1', name: 'a', version: 1, deleted: false, open: true },
      { key: '2', name: 'b', version: 2, deleted: false, open: false },
      { key: '2', name: 'c', version: 7, deleted: false, open: true },
      { key: '3', name: null, version: 3, deleted: false, open: false },
      { key: '3', name: null, version: 3, deleted: true, open: true },
    ]);
  });

  it('a history that is turned on for a loaded table begins with its rows; turned off it stays, and turned on again it has what changed meanwhile', async () => {
    await using test = await testMirror();
    const plain = await openThing(test, { history: false });
    await plain.write(page([row(1, 1, { name: '"a"' }), row(2, 2), row(3, 3)], 'delta'), true);
    const before = await moment(test);
    await openThing(test, { phase: 'stored' });
    await openThing(test, { phase: 'stored' });
    expect(await test.database.query(SHORT_RECORDS)).toHaveLength(3);
    expect(await rowsAsOf(test.database, 'thing', before)).toEqual([]);
    await openThing(test, { phase: 'stored', history: false });
    const triggers = await test.database.query(
      `SELECT tgname FROM pg_trigger WHERE tgrelid = 'dataverse.thing'::regclass`,
    );
    expect(triggers).toEqual([{ tgname: 'mirrorverse_truncated' }]);
    await test.database.query(
      `UPDATE dataverse.thing SET name = 'b' WHERE versionnumber = 1; DELETE FROM dataverse.thing WHERE versionnumber = 2;
       INSERT INTO dataverse.thing (thingid, versionnumber) VALUES ('${id(4)}', 4)`,
    );
    expect(await test.database.query(SHORT_RECORDS)).toHaveLength(3);
    await openThing(test, { phase: 'stored' });
    expect(await test.database.query(SHORT_RECORDS)).toMatchObject([
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
    const { target } = await loadedThing(test, { history: false });
    const planned = async (isWanted: boolean): Promise<unknown> =>
      transaction(test.mirror.pool, async (client) =>
        planHistory(client, test.mirror.store, target, isWanted),
      );
    expect([await planned(true), await planned(false)]).toEqual(['begin', null]);
    await openThing(test, { phase: 'stored' });
    expect([await planned(true), await planned(false)]).toEqual([null, 'end']);
    await test.database.query('DROP TRIGGER mirrorverse_history_delete ON dataverse.thing');
    expect([await planned(true), await planned(false)]).toEqual(['begin', 'end']);
  });

  it.each([`TRUNCATE dataverse.thing`, `DROP TABLE dataverse.thing`])(
    'the load after %s is compared with the open records',
    async (statement) => {
      await using test = await testMirror();
      await loadedThing(test);
      await test.database.query(statement);
      const table = await openThing(test);
      await table.write(page([row(1, 1, { name: '"a"' })], 'next'));
      await table.write(page([row(3, 9)], 'delta'), true);
      expect(await test.database.query(SHORT_RECORDS)).toMatchObject([
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
    expect(await test.database.query(SHORT_RECORDS)).toMatchObject([
      { key: '1', version: 5, open: false },
      { key: '1', version: 8, open: true },
    ]);
    expect(
      await test.database.query('SELECT operation FROM mirrorverse.changes ORDER BY xact, position'),
    ).toEqual([{ operation: 'b' }, { operation: 'u' }]);
  });

  it('a history that was dropped by hand stops no page, and the next preparation makes it anew', async () => {
    await using test = await testMirror();
    const table = await loadedThing(test);
    await test.database.query('DROP TABLE dataverse_history.thing CASCADE');
    await table.write(page([row(1, 8)], 'delta'), true);
    await openThing(test, { phase: 'stored' });
    await expectSame(test);
    expect(await test.database.query(SHORT_RECORDS)).toHaveLength(3);
  });

  it('a change by hand is recorded, also of a key, and also by somebody who may not use the history', async () => {
    await using test = await testMirror();
    await loadedThing(test);
    await using editor = await freshRole(test.database);
    await test.database.query(
      `GRANT USAGE ON SCHEMA dataverse TO ${editor.name}; GRANT SELECT, UPDATE ON dataverse.thing TO ${editor.name};
       SET ROLE ${editor.name}; UPDATE dataverse.thing SET thingid = '${id(7)}', name = 'moved' WHERE versionnumber = 1; RESET ROLE`,
    );
    expect(await test.database.query(SHORT_RECORDS)).toMatchObject([
      { key: '1', deleted: false, open: false },
      { key: '1', name: 'a', deleted: true, open: true },
      { key: '2' },
      { key: '3' },
      { key: '7', name: 'moved', deleted: false, open: true },
    ]);
  });

  it('several changes in one transaction leave the last one valid, and records of no length before it', async () => {
    await using test = await testMirror();
    await loadedThing(test);
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
    await loadedThing(test);
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
    const table = await openThing(test, { table: elastic });
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
