import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import type { Page } from '../../src/model/page.ts';
import { id, page, row, THING, THING_COLUMNS, thingWith, tombstone } from '../support/hand-made.ts';
import { testMirror, WritingTable } from '../support/mirror.ts';
import { SHORT_CHANGES, openThing, loadedThing } from '../support/thing-changes.ts';

describe('the change log', () => {
  it('a change log has a marker in place of a baseline, and then each change with the whole row before and after', async () => {
    await using test = await testMirror();
    const table = await openThing(test);
    await table.write(page([row(1, 1, { name: '"a"', amount: '1.10' }), row(2, 2)], 'next'));
    expect(await test.database.query(SHORT_CHANGES)).toEqual([]);
    await table.write(page([row(3, 3)], 'delta'));
    await table.write(
      page([row(1, 4, { name: '"b"', amount: '1.100' }), row(4, 5), tombstone(2)], 'delta'),
      true,
    );
    expect(await test.database.query(SHORT_CHANGES)).toEqual([
      { operation: 'b', key: null, version: null, columns: null },
      { operation: 'u', key: '1', version: 4, columns: ['versionnumber', 'name', 'amount'] },
      { operation: 'c', key: '4', version: 5, columns: null },
      { operation: 'd', key: '2', version: 2, columns: null },
    ]);
    const images = await test.database.query(
      `SELECT before->>'amount' AS before, after->>'amount' AS after, before ? '_mirrored_at' AS own,
              (SELECT count(*)::int FROM jsonb_object_keys(after)) AS columns FROM mirrorverse.changes WHERE operation = 'u'`,
    );
    expect(images).toEqual([{ before: '1.10', after: '1.100', own: false, columns: 12 }]);
  });

  it('a last page of a baseline that is empty begins the change log too', async () => {
    await using test = await testMirror();
    const table = await openThing(test);
    await table.write(page([row(1, 1)], 'next'));
    await table.write(page([], 'delta'), true);
    expect(await test.database.query(SHORT_CHANGES)).toMatchObject([{ operation: 'b' }]);
  });

  it('a change log with the rows of a baseline has each of them, and no marker', async () => {
    await using test = await testMirror();
    const table = await openThing(test, { feed: 'rows' });
    await table.write(page([row(1, 1), row(2, 2)], 'delta'), true);
    expect(await test.database.query(SHORT_CHANGES)).toMatchObject([
      { operation: 'c', key: '1' },
      { operation: 'c', key: '2' },
    ]);
  });

  it('a feed that is turned on for a loaded table begins with a marker, and one that is turned off leaves no trigger', async () => {
    await using test = await testMirror();
    const plain = await openThing(test, { feed: 'off' });
    await plain.write(page([row(1, 1)], 'delta'), true);
    expect(await test.database.query(SHORT_CHANGES)).toEqual([]);
    await openThing(test, { phase: 'stored' });
    await openThing(test, { phase: 'stored' });
    expect(await test.database.query(SHORT_CHANGES)).toMatchObject([{ operation: 'b' }]);
    await test.database.query('DELETE FROM dataverse.thing');
    expect(await test.database.query(SHORT_CHANGES)).toMatchObject([
      { operation: 'b' },
      { operation: 'd', key: '1' },
    ]);
    await openThing(test, { phase: 'stored', feed: 'off' });
    const triggers = await test.database.query(
      `SELECT tgname FROM pg_trigger WHERE tgrelid = 'dataverse.thing'::regclass`,
    );
    expect(triggers).toEqual([{ tgname: 'mirrorverse_truncated' }]);
  });

  it('a re-baseline logs what really changed, and what its sweep deletes', async () => {
    await using test = await testMirror();
    await loadedThing(test);
    const table = await openThing(test, { phase: 'rebaseline' });
    await table.write(page([row(1, 1), row(2, 7, { count: '5' })], 'delta'));
    await table.write(page([], 'delta'), true);
    expect(await test.database.query(SHORT_CHANGES)).toEqual([
      { operation: 'u', key: '2', version: 7, columns: ['versionnumber', 'count'] },
      { operation: 'd', key: '3', version: 3, columns: null },
    ]);
  });

  it('a row that is marked deleted is a deletion, one that comes back is new, and what happens to it meanwhile is no change', async () => {
    await using test = await testMirror();
    const table = await loadedThing(test, true);
    await table.write(page([tombstone(1)], 'delta'));
    await test.database.query(`UPDATE dataverse.thing SET name = 'x' WHERE _deleted_at IS NOT NULL`);
    await table.write(page([row(1, 9)], 'delta'));
    await table.write(page([tombstone(2)], 'delta'));
    await test.database.query(`DELETE FROM dataverse.thing WHERE _deleted_at IS NOT NULL`);
    expect(await test.database.query(SHORT_CHANGES)).toMatchObject([
      { operation: 'd', key: '1', version: 1 },
      { operation: 'c', key: '1', version: 9 },
      { operation: 'd', key: '2', version: 2 },
    ]);
  });

  it('the change log follows columns that come and go, by hand too, in the same session', async () => {
    await using test = await testMirror();
    const table = await loadedThing(test);
    const client = new Client(test.database.url);
    await client.connect();
    try {
      await client.query(`UPDATE dataverse.thing SET count = 1 WHERE versionnumber = 1`);
      await client.query(`ALTER TABLE dataverse.thing ADD COLUMN "it's 100%" json, DROP COLUMN ratio`);
      await client.query(`UPDATE dataverse.thing SET "it's 100%" = '{}', count = 2 WHERE versionnumber = 1`);
    } finally {
      await client.end();
    }
    const changes = await test.database.query(
      `SELECT columns, after ? 'ratio' AS ratio, after->'it''s 100%' AS added FROM mirrorverse.changes ORDER BY position`,
    );
    expect(changes).toEqual([
      { columns: ['count'], ratio: true, added: null },
      { columns: ['count', "it's 100%"], ratio: false, added: {} },
    ]);
    await table.writer.close();
  });

  it('a row in the log is the JSON that PostgreSQL makes of the row, for each type and its outer values', async () => {
    await using test = await testMirror();
    await loadedThing(test);
    const types =
      'text, varchar, uuid, date, smallint, integer, bigint, numeric, real, float8, timestamptz, timestamp, integer[], boolean, json, jsonb, text[], interval, char(5)';
    const values = [
      `'', '', '00000000-0000-0000-0000-000000000000', '-infinity', -32768, 0, -9223372036854775808, '1.10', 'NaN', '-0', '-infinity', 'infinity', '{}', false, 'null', 'null', '{}', '0', ''`,
      `E'\\"\n', '{,}', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '0044-03-15 BC', 1, 1, 1, 'NaN', '1e20', '1e-7', '0044-03-15 12:00:00.5+00 BC', '2024-02-29 23:59:59.999999', '{1,NULL,-3}', true, '{"b": 1, "a": [1.0]}', '{"b": 1.0}', '{"a,b",NULL}', '1 mon', ' a'`,
      `'NULL', 'ü', NULL, '12024-01-01', NULL, NULL, NULL, '0.000000000000000000001', '0.1', '1.7976931348623157e308', '2024-05-06 07:08:09+02', '0001-01-01', '{{1},{2}}', NULL, '"x"', '[]', '{NULL}', NULL, NULL`,
    ];
    const names = types.split(', ').map((_, at) => `value${at}`);
    await test.database.query(
      `ALTER TABLE dataverse.thing ${types
        .split(', ')
        .map((type, at) => `ADD COLUMN value${at} ${type}`)
        .join(', ')}`,
    );
    for (const [at, list] of values.entries()) {
      await test.database.query(
        `SET timezone = 'Asia/Tokyo'; SET datestyle = 'German'; UPDATE dataverse.thing SET (${names.join(', ')}) = (${list}) WHERE versionnumber = ${at + 1}; RESET ALL`,
      );
    }
    const wrong = await test.database.query(
      `SELECT n.name, c.after->n.name AS logged, w.row->n.name AS expected FROM mirrorverse.changes c
         JOIN dataverse.thing t ON t.thingid = c.key CROSS JOIN LATERAL (SELECT to_jsonb(t) AS row) w
         CROSS JOIN LATERAL jsonb_object_keys(w.row || c.after) n (name)
        WHERE n.name <> '_mirrored_at' AND (c.after->n.name)::text IS DISTINCT FROM (w.row->n.name)::text`,
    );
    expect(wrong).toEqual([]);
    const logged = await test.database.query(
      'SELECT FROM mirrorverse.changes WHERE cardinality(columns) >= 11',
    );
    expect(logged).toHaveLength(3);
  });

  it('a column that changes its type in place writes a marker, because its values change without a change of rows', async () => {
    await using test = await testMirror();
    await loadedThing(test);
    const wider = thingWith(THING_COLUMNS.map(([name, type]) => [name, name === 'count' ? 'bigint' : type]));
    await openThing(test, { table: wider, phase: 'stored' });
    expect(await test.database.query(SHORT_CHANGES)).toMatchObject([{ operation: 'b' }]);
  });

  it.each(['marker', 'off'] as const)(
    'values that are hashed from now on leave the change log and the dead letters, and a marker stands for them (feed: %s)',
    async (feed) => {
      await using test = await testMirror();
      const table = await WritingTable.open(test.mirror, THING, { feed: 'marker' });
      await table.write(page([row(1, 1), row(2, 2)], 'delta'));
      await table.write(page([row(1, 3, { name: '"canary"' })], 'delta'), true);
      await test.database.query(
        `INSERT INTO mirrorverse.dead_letters (environment_id, endpoint, webhook_id, changes, reason, attempts, begun_at, failed_at)
         SELECT environment_id, 'test', 'msg_1', jsonb_build_array(jsonb_build_object('table', table_name, 'key', key, 'before', NULL, 'after', after), '{"table": "other", "after": {"name": "kept"}}'::jsonb), 'status 500', 1, now(), now()
           FROM mirrorverse.changes WHERE operation = 'u'`,
      );
      const hashed = thingWith(THING_COLUMNS.map(([name, type]) => [name, name === 'name' ? 'hash' : type]));
      await WritingTable.open(test.mirror, hashed, { feed, phase: 'stored' });
      expect(
        await test.database.query('SELECT operation FROM mirrorverse.changes ORDER BY xact, position'),
      ).toEqual([{ operation: 'b' }, { operation: 'b' }]);
      const [letter] = await test.database.query('SELECT changes FROM mirrorverse.dead_letters');
      expect(JSON.stringify(letter)).not.toContain('canary');
      expect(letter).toMatchObject({
        changes: [
          { table: 'thing', before: null, after: { thingid: id(1) } },
          { table: 'other', after: { name: 'kept' } },
        ],
      });
    },
  );

  it('a TRUNCATE by hand writes a marker, and the load after it another one', async () => {
    await using test = await testMirror();
    await loadedThing(test);
    await test.database.query('TRUNCATE dataverse.thing');
    expect(await test.database.query(SHORT_CHANGES)).toMatchObject([{ operation: 'b' }]);
    const table = await openThing(test);
    await table.write(page([row(1, 1)], 'delta'), true);
    expect(await test.database.query(SHORT_CHANGES)).toMatchObject([{ operation: 'b' }, { operation: 'b' }]);
  });

  it('the change log names the partition of a row of an elastic table', async () => {
    await using test = await testMirror();
    const elastic = { ...thingWith([...THING_COLUMNS, ['partitionid', 'text']]), partition: 'partitionid' };
    const table = await openThing(test, { table: elastic });
    const pageOf = (a: number, none: number): Page =>
      page([row(1, a, { partitionid: '"a"' }), row(1, none, { partitionid: 'null' })], 'delta', elastic);
    await table.write(pageOf(1, 2));
    await table.write(pageOf(3, 4), true);
    const changes = await test.database.query(
      `SELECT operation, partition, source_version::int AS version FROM mirrorverse.changes WHERE operation <> 'b' ORDER BY source_version`,
    );
    expect(changes).toEqual([
      { operation: 'u', partition: 'a', version: 3 },
      { operation: 'u', partition: null, version: 4 },
    ]);
  });

  it('one notification tells of a page, whatever the page does', async () => {
    await using test = await testMirror();
    const table = await loadedThing(test);
    const listener = new Client(test.database.url);
    await listener.connect();
    const heard: string[] = [];
    listener.on('notification', ({ payload = '' }) => heard.push(payload));
    try {
      await listener.query('LISTEN mirrorverse_changes');
      await table.write(page([row(1, 5), row(4, 6), tombstone(2)], 'delta'));
      await table.write(page([], 'delta'), true);
      await listener.query('SELECT 1');
    } finally {
      await listener.end();
    }
    expect(heard).toEqual(['thing']);
  });
});
