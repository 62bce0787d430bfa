import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import type { FeedWish } from '../../src/mirror/feed/log-triggers.ts';
import type { Page } from '../../src/model/page.ts';
import type { Table } from '../../src/model/table.ts';
import { eventually } from '../support/command-line.ts';
import { id, page, row, THING, THING_COLUMNS, thingWith, tombstone } from '../support/hand-made.ts';
import { testMirror, WritingTable, type TestMirror } from '../support/mirror.ts';

interface Change extends Record<string, unknown> {
  readonly operation: string;
  readonly position: string;
  readonly after: Record<string, unknown> | null;
}

const SHORT = `SELECT operation, right(key::text, 1) AS key, source_version::int AS version, columns FROM mirrorverse.changes
  ORDER BY xact, position`;

async function open(
  test: TestMirror,
  options: { feed?: FeedWish; softDeletes?: boolean; table?: Table; phase?: 'rebaseline' | 'stored' } = {},
): Promise<WritingTable> {
  await test.database.query('UPDATE mirrorverse.tables SET lease_holder = NULL');
  const { table = THING, feed = 'marker', ...more } = options;
  return WritingTable.open(test.mirror, table, { feed, ...more });
}

/** A table of three rows, loaded, and its log emptied. */
async function loaded(test: TestMirror, softDeletes = false): Promise<WritingTable> {
  const table = await open(test, { softDeletes });
  await table.write(page([row(1, 1), row(2, 2), row(3, 3)], 'delta'));
  await test.database.query('DELETE FROM mirrorverse.changes');
  return table;
}

/** Other tests have open transactions on the same server, and changes behind them are not settled yet. */
async function settled({ database }: TestMirror): Promise<void> {
  const unsettled = 'SELECT FROM mirrorverse.changes WHERE xact >= pg_snapshot_xmin(pg_current_snapshot())';
  await eventually(async () => (await database.query(unsettled)).length === 0);
}

async function readChanges(test: TestMirror, consumer: string, limit = 100): Promise<Change[]> {
  return test.database.query<Change>('SELECT * FROM mirrorverse.read_changes($1, $2)', [consumer, limit]);
}

/** A partition of a day that is long over, with one change. */
async function oldPartition({ database }: TestMirror, day: string): Promise<void> {
  const role = new URL(database.url).username;
  const name = `mirrorverse.logged_changes_${day.replaceAll('-', '')}`;
  await database.query(
    `CREATE TABLE ${name} PARTITION OF mirrorverse.logged_changes FOR VALUES FROM ('${day}Z') TO ('${day} 24:00Z');
     ALTER TABLE ${name} OWNER TO "${role}";
     INSERT INTO mirrorverse.changes (environment_id, table_name, operation, changed_at) VALUES (1, 'thing', 'b', '${day} 12:00Z')`,
  );
}

async function sqlstate(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => undefined,
    (error: unknown) => (error as { code: string }).code,
  );
}

describe('the change log', () => {
  it('a change log has a marker in place of a baseline, and then each change with the whole row before and after', async () => {
    await using test = await testMirror();
    const table = await open(test);
    await table.write(page([row(1, 1, { name: '"a"', amount: '1.10' }), row(2, 2)], 'next'));
    expect(await test.database.query(SHORT)).toEqual([]);
    await table.write(page([row(3, 3)], 'delta'));
    await table.write(
      page([row(1, 4, { name: '"b"', amount: '1.100' }), row(4, 5), tombstone(2)], 'delta'),
      true,
    );
    expect(await test.database.query(SHORT)).toEqual([
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
    const table = await open(test);
    await table.write(page([row(1, 1)], 'next'));
    await table.write(page([], 'delta'), true);
    expect(await test.database.query(SHORT)).toMatchObject([{ operation: 'b' }]);
  });

  it('a change log with the rows of a baseline has each of them, and no marker', async () => {
    await using test = await testMirror();
    const table = await open(test, { feed: 'rows' });
    await table.write(page([row(1, 1), row(2, 2)], 'delta'), true);
    expect(await test.database.query(SHORT)).toMatchObject([
      { operation: 'c', key: '1' },
      { operation: 'c', key: '2' },
    ]);
  });

  it('a feed that is turned on for a loaded table begins with a marker, and one that is turned off leaves no trigger', async () => {
    await using test = await testMirror();
    const plain = await open(test, { feed: 'off' });
    await plain.write(page([row(1, 1)], 'delta'), true);
    expect(await test.database.query(SHORT)).toEqual([]);
    await open(test, { phase: 'stored' });
    await open(test, { phase: 'stored' });
    expect(await test.database.query(SHORT)).toMatchObject([{ operation: 'b' }]);
    await test.database.query('DELETE FROM dataverse.thing');
    expect(await test.database.query(SHORT)).toMatchObject([
      { operation: 'b' },
      { operation: 'd', key: '1' },
    ]);
    await open(test, { phase: 'stored', feed: 'off' });
    const triggers = await test.database.query(
      `SELECT tgname FROM pg_trigger WHERE tgrelid = 'dataverse.thing'::regclass`,
    );
    expect(triggers).toEqual([{ tgname: 'mirrorverse_truncated' }]);
  });

  it('a re-baseline logs what really changed, and what its sweep deletes', async () => {
    await using test = await testMirror();
    await loaded(test);
    const table = await open(test, { phase: 'rebaseline' });
    await table.write(page([row(1, 1), row(2, 7, { count: '5' })], 'delta'));
    await table.write(page([], 'delta'), true);
    expect(await test.database.query(SHORT)).toEqual([
      { operation: 'u', key: '2', version: 7, columns: ['versionnumber', 'count'] },
      { operation: 'd', key: '3', version: 3, columns: null },
    ]);
  });

  it('a row that is marked deleted is a deletion, one that comes back is new, and what happens to it meanwhile is no change', async () => {
    await using test = await testMirror();
    const table = await loaded(test, true);
    await table.write(page([tombstone(1)], 'delta'));
    await test.database.query(`UPDATE dataverse.thing SET name = 'x' WHERE _deleted_at IS NOT NULL`);
    await table.write(page([row(1, 9)], 'delta'));
    await table.write(page([tombstone(2)], 'delta'));
    await test.database.query(`DELETE FROM dataverse.thing WHERE _deleted_at IS NOT NULL`);
    expect(await test.database.query(SHORT)).toMatchObject([
      { operation: 'd', key: '1', version: 1 },
      { operation: 'c', key: '1', version: 9 },
      { operation: 'd', key: '2', version: 2 },
    ]);
  });

  it('the change log follows columns that come and go, by hand too, in the same session', async () => {
    await using test = await testMirror();
    const table = await loaded(test);
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
    await loaded(test);
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
    await loaded(test);
    const wider = thingWith(THING_COLUMNS.map(([name, type]) => [name, name === 'count' ? 'bigint' : type]));
    await open(test, { table: wider, phase: 'stored' });
    expect(await test.database.query(SHORT)).toMatchObject([{ operation: 'b' }]);
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
    await loaded(test);
    await test.database.query('TRUNCATE dataverse.thing');
    expect(await test.database.query(SHORT)).toMatchObject([{ operation: 'b' }]);
    const table = await open(test);
    await table.write(page([row(1, 1)], 'delta'), true);
    expect(await test.database.query(SHORT)).toMatchObject([{ operation: 'b' }, { operation: 'b' }]);
  });

  it('the change log names the partition of a row of an elastic table', async () => {
    await using test = await testMirror();
    const elastic = { ...thingWith([...THING_COLUMNS, ['partitionid', 'text']]), partition: 'partitionid' };
    const table = await open(test, { table: elastic });
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
    const table = await loaded(test);
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

describe('a consumer of the change log', () => {
  it('a consumer gets no change while an earlier transaction is open, and then all of them in one order, again until it acknowledges', async () => {
    await using test = await testMirror();
    await loaded(test);
    const [early, late] = [new Client(test.database.url), new Client(test.database.url)];
    await Promise.all([early.connect(), late.connect()]);
    try {
      // The transaction that begins first takes the higher positions.
      await early.query('BEGIN; SELECT pg_current_xact_id()');
      await late.query(`BEGIN; UPDATE dataverse.thing SET count = 1 WHERE versionnumber = 1`);
      await early.query(`UPDATE dataverse.thing SET count = 2 WHERE versionnumber = 2`);
      await late.query('COMMIT');
      expect(await readChanges(test, 'one')).toEqual([]);
      await early.query('COMMIT');
    } finally {
      await Promise.all([early.end(), late.end()]);
    }
    await settled(test);
    const all = await readChanges(test, 'one');
    expect(all.map(({ after }) => after?.['count'])).toEqual([2, 1]);
    expect(await readChanges(test, 'one', 1)).toEqual(all.slice(0, 1));
    await test.database.query('SELECT mirrorverse.ack($1, $2)', ['one', all[0]?.position]);
    expect(await readChanges(test, 'one')).toEqual(all.slice(1));
    for (const change of [...all, ...all.toReversed()]) {
      await test.database.query('SELECT mirrorverse.ack($1, $2)', ['one', change.position]);
    }
    expect(await readChanges(test, 'one')).toEqual([]);
    expect(await sqlstate(test.database.query(`SELECT mirrorverse.ack('one', 999999)`))).toBe('MV007');
    expect(await sqlstate(test.database.query(`SELECT mirrorverse.ack('nobody', 1)`))).toBe('MV006');
    expect(await readChanges(test, 'another')).toEqual(all);
  });

  it('the log drops partitions that are too old, and tells a consumer that was away for longer', async () => {
    await using test = await testMirror();
    const { mirror, database } = test;
    const feed = { keep: 2 * 86_400_000 };
    mirror.change({ ...mirror.options, feed });
    await mirror.keepPartitions();
    const table = await loaded(test);
    await readChanges(test, 'away');
    await readChanges(test, 'present');
    // Of a day without a partition of its own, and of a day with one.
    await oldPartition(test, '2020-01-01');
    await database.query(
      `INSERT INTO mirrorverse.changes (environment_id, table_name, operation, changed_at) VALUES (1, 'thing', 'b', '2019-06-01 12:00Z')`,
    );
    await table.write(page([row(1, 5)], 'delta'), true);
    await settled(test);
    const [, last] = await readChanges(test, 'present');
    await database.query('SELECT mirrorverse.ack($1, $2)', ['present', last?.position]);
    await mirror.keepPartitions();
    expect(await database.query(SHORT)).toMatchObject([{ operation: 'u' }]);
    expect(
      await database.query(`SELECT to_regclass('mirrorverse.logged_changes_20200101') AS found`),
    ).toEqual([{ found: null }]);
    expect(await readChanges(test, 'present')).toMatchObject([{ operation: 'u' }]);
    expect(await readChanges(test, 'new')).toMatchObject([{ operation: 'u' }]);
    expect(await sqlstate(readChanges(test, 'away'))).toBe('MV005');
    await database.query(`SELECT mirrorverse.forget_consumer('away')`);
    expect(await readChanges(test, 'away')).toMatchObject([{ operation: 'u' }]);
    const days = await database.query(
      `SELECT count(*)::int AS days FROM pg_inherits WHERE inhparent = 'mirrorverse.logged_changes'::regclass`,
    );
    expect(days).toEqual([{ days: 5 }]);
  });

  it('a reader that stays in the log keeps an old partition for some time, and neither a page nor a consumer waits for it', async () => {
    await using test = await testMirror();
    const { mirror, database } = test;
    mirror.change({ ...mirror.options, feed: { keep: 2 * 86_400_000 } });
    await mirror.keepPartitions();
    const table = await loaded(test);
    await readChanges(test, 'one');
    const days = ['01', '02', '03', '04', '05', '06'].map((day) => `2020-01-${day}`);
    for (const day of days) await oldPartition(test, day);
    const old = `SELECT count(*)::int AS old FROM pg_class WHERE relname ~ '^logged_changes_2020[0-9]{4}$'`;
    const reader = new Client(database.url);
    await reader.connect();
    try {
      await reader.query('BEGIN; SELECT FROM mirrorverse.changes');
      const begun = performance.now();
      const keeping = mirror.keepPartitions();
      await eventually(async () => {
        const waiting = `SELECT FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
        return (await database.query(waiting)).length > 0;
      });
      await table.write(page([row(1, 5)], 'delta'));
      await keeping;
      // One wait of half a second, and not one for each partition.
      expect(performance.now() - begun).toBeLessThan(2_900);
      expect(await database.query(old)).toEqual([{ old: days.length }]);
      await readChanges(test, 'one');
    } finally {
      await reader.end();
    }
    await mirror.keepPartitions();
    expect(await database.query(old)).toEqual([{ old: 0 }]);
    expect(await sqlstate(readChanges(test, 'one'))).toBe('MV005');
  });

  it('a log that was restored on another server hides no new change', async () => {
    await using test = await testMirror();
    const table = await loaded(test);
    await table.write(page([row(1, 5), row(2, 6)], 'delta'));
    await settled(test);
    const [first] = await readChanges(test, 'one');
    await test.database.query('SELECT mirrorverse.ack($1, $2)', ['one', first?.position]);
    await test.database.query(`UPDATE mirrorverse.changes SET xact = '4000000000'`);
    await test.database.query(`UPDATE mirrorverse.consumers SET xact = '4000000000'`);
    await test.mirror.keepPartitions();
    await table.write(page([row(3, 7)], 'delta'), true);
    await settled(test);
    expect((await readChanges(test, 'one')).map(({ key }) => key)).toEqual([id(2), id(3)]);
    expect(await readChanges(test, 'new')).toHaveLength(3);
  });
});
