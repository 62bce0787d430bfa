import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/command-line.ts';
import { id, page, row } from '../support/hand-made.ts';
import { testMirror } from '../support/mirror.ts';
import {
  SHORT_CHANGES,
  loadedThing,
  settled,
  readChanges,
  oldPartition,
  sqlstate,
} from '../support/thing-changes.ts';

describe('a consumer of the change log', () => {
  it('a consumer gets no change while an earlier transaction is open, and then all of them in one order, again until it acknowledges', async () => {
    await using test = await testMirror();
    await loadedThing(test);
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
    const table = await loadedThing(test);
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
    expect(await database.query(SHORT_CHANGES)).toMatchObject([{ operation: 'u' }]);
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
    const table = await loadedThing(test);
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
    const table = await loadedThing(test);
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
