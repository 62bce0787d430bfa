import { describe, expect, it } from 'vitest';
import { id, page, row, THING, tombstone } from '../support/hand-made.ts';
import { testMirror, WritingTable } from '../support/mirror.ts';

const NAMES = 'SELECT thingid::text, name, versionnumber::int FROM dataverse.thing ORDER BY thingid';

describe('the page writer', () => {
  it('the page writer keeps every value exactly as it came', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    const values = {
      name: JSON.stringify('Zoë \u{1F600}\t\\N \\. "quoted"\r\nline'),
      amount: '922337203685477.5807',
      count: '-2147483648',
      big: '9007199254740993',
      ratio: '0.1',
      done: 'true',
      choices: '"1,8,9"',
      seenon: '"2024-02-29T23:59:59Z"',
      walltime: '"2024-02-29T23:59:59Z"',
      birthday: '"1753-01-01"',
    };
    await table.write(page([row(1, 9, values), row(2, 10)], 'next'));
    const rows = await test.database.query(
      `SELECT name, amount::text, count::text, big::text, ratio::text, done::text, choices::text,
              to_char(seenon AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS seenon,
              walltime::text, birthday::text
         FROM dataverse.thing ORDER BY thingid`,
    );
    expect(rows[0]).toEqual({
      name: 'Zoë \u{1F600}\t\\N \\. "quoted"\r\nline',
      amount: '922337203685477.5807',
      count: '-2147483648',
      big: '9007199254740993',
      ratio: '0.1',
      done: 'true',
      choices: '{1,8,9}',
      seenon: '2024-02-29 23:59:59',
      walltime: '2024-02-29 23:59:59',
      birthday: '1753-01-01',
    });
    expect(Object.values(rows[1] ?? {}).every((value) => value === null)).toBe(true);
  });

  it('the page writer never replaces a row by an older version of itself', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    await table.write(page([row(1, 20, { name: '"new"' })], 'delta'));
    await table.write(page([row(1, 19, { name: '"old"' })], 'delta'));
    expect(await test.database.query(NAMES)).toEqual([{ thingid: id(1), name: 'new', versionnumber: 20 }]);
  });

  it('the page writer stores the highest version where a page has a row twice', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    await table.write(
      page([row(1, 5, { name: '"b"' }), row(1, 4, { name: '"a"' }), row(2, 1), row(2, 1)], 'delta'),
    );
    const rows = await test.database.query<{ name: string | null }>(NAMES);
    expect(rows.map((found) => found.name)).toEqual(['b', null]);
  });

  it('the page writer stores a row that comes again on a later page of a baseline', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    await table.write(page([row(1, 1, { name: '"first"' }), row(2, 2)], 'next'));
    await table.write(page([row(1, 3, { name: '"again"' }), row(3, 4)], 'delta'));
    const rows = await test.database.query<{ name: string | null }>(NAMES);
    expect(rows.map((found) => found.name)).toEqual(['again', null, null]);
  });

  it('the page writer stores a page whose first row PostgreSQL refuses in binary while megabytes are still to be sent', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    await table.write(page([row(1, 1, { name: '"first"' })], 'next'));
    const name = JSON.stringify('x'.repeat(1_000_000));
    const others = Array.from({ length: 20 }, (_, at) => row(at + 10, at + 10, { name }));
    const result = await table.write(page([row(1, 2, { name: '"again"' }), ...others], 'delta'));
    expect(result).toMatchObject({ written: 21, quarantined: 0 });
    expect(await test.database.query(`${NAMES} LIMIT 1`)).toMatchObject([{ name: 'again' }]);
  });

  it('the page writer reports a row that came twice in one page, once without a version', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    const unversioned = `{"thingid":"${id(1)}","versionnumber":null,"name":"unversioned"}`;
    await table.write(page([unversioned, row(1, 5, { name: '"five"' }), unversioned, row(2, 6)], 'next'));
    expect(await test.database.query(NAMES)).toMatchObject([{ name: 'five', versionnumber: 5 }, {}]);
    expect(await test.database.query('SELECT key, reason FROM mirrorverse.quarantine')).toEqual([
      { key: id(1), reason: expect.stringContaining('no row version') as string },
    ]);
  });

  it('the page writer deletes by tombstone and ignores a tombstone of an unknown row', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    await table.write(page([row(1, 1), row(2, 2)], 'delta'));
    const result = await table.write(page([tombstone(1), tombstone(77)], 'delta'));
    expect(result.deleted).toBe(1);
    expect(await test.database.query(NAMES)).toHaveLength(1);
  });

  it('the page writer marks deleted rows, and takes the mark from restored rows, where deletes are soft', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING, { softDeletes: true });
    await table.write(page([row(1, 1, { name: '"kept"' })], 'delta'));
    await table.write(page([tombstone(1)], 'delta'));
    const marked = 'SELECT name, _deleted_at IS NOT NULL AS deleted FROM dataverse.thing';
    expect(await test.database.query(marked)).toEqual([{ name: 'kept', deleted: true }]);
    // A restored row may come back with the version it had.
    await table.write(page([row(1, 1, { name: '"kept"' })], 'delta'));
    expect(await test.database.query(marked)).toEqual([{ name: 'kept', deleted: false }]);
  });

  it('the page writer does not rewrite a row that came again unchanged', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    await table.write(page([row(1, 1), row(2, 2)], 'delta'));
    const places = 'SELECT ctid::text, xmin::text, xmax::text, _mirrored_at FROM dataverse.thing ORDER BY 1';
    const before = await test.database.query(places);
    const result = await table.write(page([row(1, 1), row(2, 2)], 'delta'));
    expect(result.written).toBe(0);
    expect(await test.database.query(places)).toEqual(before);
  });

  it('the page writer comments table and columns with their display names', async () => {
    await using test = await testMirror();
    await WritingTable.open(test.mirror, THING);
    const [found] = await test.database.query(
      `SELECT obj_description('dataverse.thing'::regclass) AS "table", col_description('dataverse.thing'::regclass, 3) AS "column"`,
    );
    expect(found).toEqual({ table: "Thing: What's mirrored", column: 'name' });
  });

  it('the page writer commits nothing of a page whose lease was taken by another process', async () => {
    await using test = await testMirror(200);
    const first = await WritingTable.open(test.mirror, THING, { holder: 'paused' });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const second = await WritingTable.open(test.mirror, THING, { holder: 'successor' });
    await expect(first.write(page([row(1, 1)], 'delta'))).rejects.toMatchObject({ code: 'lease-lost' });
    await expect(first.write(page([], 'delta'))).rejects.toMatchObject({ code: 'lease-lost' });
    expect(await test.database.query(NAMES)).toEqual([]);
    await second.write(page([row(2, 2)], 'delta'));
    expect(await test.database.query(NAMES)).toHaveLength(1);
    await first.writer.close();
    await second.writer.close();
  });

  it('the page writer sends no statement on closing where there is no staging table to drop', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    await table.write(page([row(1, 1), row(2, 2)], 'delta'));
    const heard = async (): Promise<unknown> =>
      test.database.query(
        `SELECT pid, state_change FROM pg_stat_activity
          WHERE datname = current_database() AND application_name = 'mirrorverse' ORDER BY pid`,
      );
    const before = await heard();
    await table.writer.close();
    expect(await heard()).toEqual(before);
  });

  it('the page writer doubts a tombstone whose row came unchanged on an earlier page of the same delta', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    await table.write(page([row(1, 5), row(2, 6)], 'delta'));
    await table.write(page([row(1, 5)], 'next'));
    const last = page([tombstone(1), tombstone(2)], 'delta');
    expect(await table.writer.deletions(last)).toEqual({
      certain: [{ key: id(2) }],
      doubtful: [{ key: id(1), reason: 'deleted' }],
    });
    await table.write(last);
    expect(await table.writer.deletions(page([tombstone(1)], 'delta'))).toMatchObject({ doubtful: [] });
  });

  it('the page writer doubts a tombstone whose row went to quarantine on an earlier page of the same delta', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, THING);
    await table.write(page([row(1, 5), row(2, 6)], 'delta'));
    await table.write(page([row(1, 7, { count: '99999999999' })], 'next'));
    expect(await table.writer.deletions(page([tombstone(1)], 'delta'))).toMatchObject({
      doubtful: [{ key: id(1), reason: 'deleted' }],
    });
  });
});
