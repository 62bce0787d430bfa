import { describe, expect, it } from 'vitest';
import { ensureFileView } from '../../src/mirror/files/file-view.ts';
import { forgetTables } from '../../src/mirror/control/forget-table.ts';
import { eraseTraces, type ErasureReport } from '../../src/operations/control/erase-traces.ts';
import { eventually } from '../support/command-line.ts';
import { id, page, row, THING, THING_COLUMNS, thingWith, tombstone } from '../support/hand-made.ts';
import { never, testMirror, WritingTable, type TestMirror } from '../support/mirror.ts';

const NOTHING = {
  changes: 0,
  history: 0,
  quarantine: 0,
  differences: 0,
  deadLetters: 0,
  files: 0,
  mirror: 0,
};
const secret = { name: '"canary of row 1"' };

async function erase({ mirror }: TestMirror, table: string, key: string): Promise<ErasureReport> {
  const report = await eraseTraces(mirror, table, key, undefined, never);
  if ('wrongKey' in report) throw new Error(report.wrongKey);
  return report;
}

/** A change as dead letters have it. */
const change = (key: number): string => `{"table": "thing", "key": "${id(key)}", "partition": null}`;

/** Puts something of the rows 1 and 2 into each place. */
async function leaveTraces(test: TestMirror, softDeletes = false): Promise<WritingTable> {
  const table = await WritingTable.open(test.mirror, THING, {
    feed: 'marker',
    history: true,
    softDeletes,
  });
  await ensureFileView(test.mirror);
  await table.write(page([row(1, 1), row(2, 2)], 'delta'));
  await table.write(page([row(1, 3, secret), row(2, 4)], 'delta'));
  await test.database.query(
    `INSERT INTO mirrorverse.quarantine (environment_id, "table", key, reason) SELECT 1, 'thing', k, 'why' FROM unnest(ARRAY['${id(1)}', '${id(2)}']) k;
     INSERT INTO mirrorverse.differences (environment_id, "table", key, kind, found_at, confirmed_at) SELECT 1, 'thing', k, 'stale', now(), now() FROM unnest(ARRAY['${id(1)}', '${id(2)}']) k;
     INSERT INTO mirrorverse.dead_letters (environment_id, endpoint, webhook_id, changes, reason, attempts, begun_at, failed_at)
     SELECT 1, 'test', 'msg_1', c, 'status 500', 1, now(), now() FROM unnest(ARRAY['[${change(1)}, ${change(2)}, ${change(1)}]', '[${change(1)}]', '[${change(2)}]']::jsonb[]) c;
     INSERT INTO mirrorverse.files (environment_id, "table", key, "column", file_id, sha256, bytes, location, deleted_at)
     SELECT 1, 'thing', k::uuid, 'contract', f, right(k, 1) || f, 1, '/files/' || right(k, 1) || f, CASE f WHEN 'old' THEN now() END
       FROM unnest(ARRAY['${id(1)}', '${id(2)}']) k, unnest(ARRAY['old', 'new']) f`,
  );
  return table;
}

/** How often each place has a row. */
async function traces({ database }: TestMirror, key: number): Promise<Record<string, unknown> | undefined> {
  const [found] = await database.query(
    `SELECT (SELECT count(*)::int FROM mirrorverse.changes WHERE key = $1::uuid) AS changes,
            (SELECT count(*)::int FROM dataverse_history.thing WHERE thingid = $1::uuid) AS history,
            (SELECT count(*)::int FROM mirrorverse.quarantine WHERE key = $1::text) AS quarantine,
            (SELECT count(*)::int FROM mirrorverse.differences WHERE key = $1::text) AS differences,
            (SELECT count(*)::int FROM mirrorverse.dead_letters, jsonb_array_elements(changes) c WHERE c ->> 'key' = $1::text) AS "deadLetters",
            (SELECT count(*)::int FROM dataverse._file WHERE key = $1::uuid) AS files,
            (SELECT count(*)::int FROM dataverse.thing WHERE thingid = $1::uuid) AS mirror`,
    [id(key)],
  );
  return found;
}

describe('the erasure of a row', () => {
  it('a row that is deleted leaves every place, and other rows stay everywhere', async () => {
    await using test = await testMirror();
    const table = await leaveTraces(test);
    await table.write(page([tombstone(1)], 'delta'));
    const others = await traces(test, 2);
    expect(await erase(test, 'thing', id(1).toUpperCase())).toMatchObject({
      removed: { changes: 2, history: 3, quarantine: 0, differences: 1, deadLetters: 3, files: 2, mirror: 0 },
      inMirror: false,
      bodiesLeft: 2,
    });
    expect(await traces(test, 1)).toEqual(NOTHING);
    // The process that fetches files removes the bodies.
    expect(await test.database.query('SELECT location FROM mirrorverse.unused_bodies ORDER BY 1')).toEqual([
      { location: '/files/1new' },
      { location: '/files/1old' },
    ]);
    expect(await traces(test, 2)).toEqual(others);
    expect(others).toMatchObject({ changes: 1, history: 2, deadLetters: 2, mirror: 1 });
    const letters = await test.database.query(
      'SELECT jsonb_array_length(changes) AS changes FROM mirrorverse.dead_letters ORDER BY id',
    );
    expect(letters).toEqual([{ changes: 1 }, { changes: 1 }]);
    expect(await test.database.query(`SELECT command, "table" FROM mirrorverse.commands`)).toEqual([
      { command: 'erase', table: 'thing' },
    ]);
    expect(await erase(test, 'thing', id(1))).toMatchObject({ removed: NOTHING, inMirror: false });
    // A row that comes back has a new beginning.
    await table.write(page([row(1, 20)], 'delta'), true);
    expect(await traces(test, 1)).toEqual({ ...NOTHING, changes: 1, history: 1, mirror: 1 });
  });

  it('a row that the source still has stays in the mirror table, with the record of its state now', async () => {
    await using test = await testMirror();
    await leaveTraces(test);
    expect(await erase(test, 'thing', id(1))).toMatchObject({
      removed: { changes: 1, history: 1, quarantine: 1, differences: 1, deadLetters: 3, files: 1, mirror: 0 },
      inMirror: true,
    });
    expect(await traces(test, 1)).toEqual({ ...NOTHING, history: 1, files: 1, mirror: 1 });
    expect(
      await test.database.query(
        'SELECT count(*)::int AS open FROM dataverse_history.thing WHERE _valid_to IS NULL',
      ),
    ).toEqual([{ open: 2 }]);
  });

  it('a row that is marked deleted leaves the mirror table, and its removal is no new change', async () => {
    await using test = await testMirror();
    const table = await leaveTraces(test, true);
    await table.write(page([tombstone(1)], 'delta'));
    expect(await traces(test, 1)).toMatchObject({ changes: 2, mirror: 1 });
    expect(await erase(test, 'thing', id(1))).toMatchObject({
      removed: { changes: 2, history: 3, mirror: 1 },
      inMirror: false,
    });
    expect(await traces(test, 1)).toEqual(NOTHING);
    expect(JSON.stringify(await test.database.query('SELECT * FROM mirrorverse.changes'))).not.toContain(
      'canary',
    );
  });

  it.each([true, false])(
    'a row of a table that was forgotten leaves every place that is left (dropped: %s)',
    async (drop) => {
      await using test = await testMirror();
      await leaveTraces(test);
      await test.database.query('UPDATE mirrorverse.tables SET lease_holder = NULL, lease_expires_at = NULL');
      await forgetTables(test.mirror, test.mirror.store, ['thing'], drop);
      const left = drop ? { history: 0, files: 0, mirror: 0 } : { history: 2, files: 2, mirror: 1 };
      expect(await erase(test, 'thing', id(1))).toEqual({
        table: 'thing',
        key: id(1),
        removed: { ...NOTHING, auditDetails: 0, ...left, changes: 1, deadLetters: 3 },
        inMirror: false,
        // All four are those of both rows: the table was dropped.
        bodiesLeft: drop ? 4 : 2,
      });
      const rows = await test.database.query<{ of: string }>(
        `SELECT to_jsonb(c)::text AS of FROM mirrorverse.changes c UNION ALL SELECT changes::text FROM mirrorverse.dead_letters`,
      );
      expect(JSON.stringify(rows)).not.toMatch(new RegExp(`${id(1)}|canary`));
      expect(JSON.stringify(rows)).toContain(id(2));
      const tables = drop ? [] : ['dataverse.thing', 'dataverse_history.thing'];
      for (const each of tables) {
        expect(await test.database.query(`SELECT FROM ${each} WHERE thingid = '${id(1)}'`)).toEqual([]);
      }
      await expect(erase(test, 'thingg', id(1))).rejects.toMatchObject({ code: 'table-not-known' });
    },
  );

  it('a key of an elastic table has its partition, and rows of other partitions stay', async () => {
    await using test = await testMirror();
    const columns = [...THING_COLUMNS, ['partitionid', 'text'] as const];
    const elastic = { ...thingWith(columns), partition: 'partitionid' };
    const table = await WritingTable.open(test.mirror, elastic, { feed: 'rows' });
    const rows = [`"a,b"`, `"c"`, 'null'].map((partitionid) => row(1, 1, { partitionid }));
    await table.write(page(rows, 'delta', elastic));
    const left = async (): Promise<unknown> =>
      (
        await test.database.query('SELECT partition FROM mirrorverse.changes WHERE operation = $1', ['c'])
      ).map(({ partition }) => partition);
    expect(await left()).toHaveLength(3);
    expect(await erase(test, 'thing', `${id(1)},a,b`)).toMatchObject({
      removed: { changes: 1 },
      inMirror: true,
    });
    expect(await erase(test, 'thing', `${id(1)},b`)).toMatchObject({ removed: NOTHING, inMirror: false });
    expect(await erase(test, 'thing', id(1))).toMatchObject({ removed: { changes: 1 }, inMirror: true });
    expect(await left()).toEqual(['c']);
  });

  it('the erasure waits for the page that is being stored, and no page comes between the look and the removal', async () => {
    await using test = await testMirror();
    const table = await leaveTraces(test);
    const client = await test.database.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query(`SELECT FROM mirrorverse.tables WHERE "table" = 'thing' FOR NO KEY UPDATE`);
      await client.query(`DELETE FROM dataverse.thing WHERE thingid = $1`, [id(1)]);
      const erased = erase(test, 'thing', id(1));
      await eventually(
        async () =>
          (
            await test.database.query(
              `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
            )
          ).length > 0,
      );
      await client.query('COMMIT');
      expect(await erased).toMatchObject({ inMirror: false, removed: { history: 3, changes: 2 } });
    } finally {
      client.release();
    }
    // The lease of the table is as good as before.
    await table.write(page([row(2, 9)], 'delta'), true);
    expect(await traces(test, 1)).toEqual(NOTHING);
  });
});
