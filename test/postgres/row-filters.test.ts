import { describe, expect, it } from 'vitest';
import { rowFilterOf } from '../../src/config/table-settings.ts';
import type { Table } from '../../src/model/table.ts';
import { id, page, row, THING, tombstone } from '../support/hand-made.ts';
import { never, testMirror, WritingTable, type TestMirror } from '../support/mirror.ts';

const NAMES = 'SELECT name, versionnumber::int AS version FROM dataverse.thing ORDER BY thingid';

function filtered(rows: string): Table {
  return { ...THING, rows: rowFilterOf(rows) };
}

async function refusal(test: TestMirror, rows: string): Promise<{ code: string; message: string }> {
  return WritingTable.open(test.mirror, filtered(rows)).then(
    () => ({ code: 'none', message: '' }),
    (error: unknown) => error as { code: string; message: string },
  );
}

/** Each filter, and a part of what is said of it. */
const REFUSED: readonly (readonly [rows: string, said: string])[] = [
  ['count > (SELECT 1)', '0A000'],
  ['EXISTS (SELECT FROM pg_class)', '0A000'],
  ['count > max(count)', '42803'],
  ['row_number() OVER () = 1', '42P20'],
  ['generate_series(1, 2) = 1', '0A000'],
  ['random() > 0.5', '42P17'],
  ['seenon > now()', '42P17'],
  ['birthday > current_date', '42P17'],
  ['seenon::date = birthday', '42P17'],
  ["seenon > 'yesterday'", 'another moment'],
  ["nextval('mirrorverse.no') = 1", '42P01'],
  ['thing IS NOT NULL', '42P17'],
  ['dataverse.thing.count = 1', '42P01'],
  ['stage_thing.count = 1', '42P01'],
  ["xmin = '1'", '42P10'],
  ['tableoid = 1', '0A000'],
  ['_mirrored_at IS NOT NULL', 'no column _mirrored_at'],
  ['nosuch = 1', 'no column nosuch'],
  ['"No ""such" = 1', 'no column No "such'],
  ['count', '42804'],
  ['name = 1', '42883'],
  ["count = 'one'", '22P02'],
  ['count = 1; DROP TABLE mirrorverse.tables', '42601'],
  ['count = 1) OR (count = 2', '42601'],
  ['true THEN true WHEN false', '42601'],
  ['count = 1, count = 2', '42601'],
  ['count = 1 /* ', '42601'],
  ['count = $1', '(SQLSTATE 42'],
  ['reads_others(count)', 'function reads_others'],
];

describe('the filter of rows', () => {
  it('the filter of rows is judged by PostgreSQL, which says what is wrong, and nothing is written', async () => {
    await using test = await testMirror();
    await test.database.query(
      `CREATE FUNCTION reads_others(integer) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true'`,
    );
    for (const [rows, said] of REFUSED) {
      const { code, message } = await refusal(test, rows);
      expect([rows, code]).toEqual([rows, 'row-filter-refused']);
      expect([rows, message.includes(said) ? said : message]).toEqual([rows, said]);
    }
    expect(await test.database.query(`SELECT to_regclass('dataverse.thing') AS made`)).toEqual([
      { made: null },
    ]);
  });

  it('the filter of rows that names a column which is not mirrored says so', async () => {
    await using test = await testMirror();
    const columns = THING.columns.filter(({ name }) => name !== 'amount');
    const part = { ...filtered('amount > 1'), columns };
    const opened = WritingTable.open(test.mirror, part);
    await expect(opened).rejects.toThrow('no column amount');
    const { lease } = await WritingTable.open(test.mirror, THING);
    const prepared = test.mirror.prepare(part, false, lease, { definition: THING }, undefined);
    await expect(prepared).rejects.toThrow('names column amount, which is not mirrored');
  });

  it('the filter of rows may use operators, functions and constants that give the same result at any time', async () => {
    await using test = await testMirror();
    for (const rows of [
      `name = 'today' AND count IS NOT NULL`,
      `name ~ '^a' OR lower(name) LIKE 'b%' -- and no more`,
      `choices @> ARRAY[1] AND amount BETWEEN 1 AND 2.5`,
      `(seenon AT TIME ZONE 'UTC')::date > '2024-01-01'`,
      `CASE WHEN done THEN count > 0 ELSE name IS NULL END`,
      'thing.done',
    ]) {
      const table = await WritingTable.open(test.mirror, filtered(rows));
      await table.write(page([row(1, 5)], 'delta'));
      expect(table.target.filter?.columns.length).toBeGreaterThan(0);
      await table.writer.close();
    }
    const { target } = await WritingTable.open(test.mirror, filtered('false'));
    expect(target.filter).toMatchObject({ columns: [] });
  });

  it('a first load has the rows that match alone, and null does not match', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, filtered('count > 1'));
    const rows = [
      row(1, 1, { name: '"a"', count: '1' }),
      row(2, 2, { name: '"b"', count: '2' }),
      row(3, 3, { name: '"c"' }),
      row(4, 4, { name: '"d"', count: '3' }),
    ];
    expect(await table.write(page(rows, 'next'))).toMatchObject({ written: 2, deleted: 0, quarantined: 0 });
    expect(await table.write(page([row(5, 5, { count: '0' })], 'delta'))).toMatchObject({ written: 0 });
    expect(await test.database.query(NAMES)).toEqual([
      { name: 'b', version: 2 },
      { name: 'd', version: 4 },
    ]);
  });

  it('a row that leaves the filter is deleted, and comes again when it matches again', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, filtered('done'));
    await table.write(page([row(1, 1, { name: '"a"', done: 'true' }), row(2, 2, { name: '"b"' })], 'delta'));
    const left = await table.write(
      page([row(1, 3, { done: 'false' }), row(2, 4, { done: 'true' })], 'delta'),
    );
    expect(left).toMatchObject({ written: 1, deleted: 1 });
    await table.write(page([row(1, 5, { name: '"c"', done: 'true' })], 'delta'));
    expect(await test.database.query(NAMES)).toEqual([
      { name: 'c', version: 5 },
      { name: null, version: 4 },
    ]);
  });

  it('an older version of a row that does not match deletes no newer row', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, filtered('done'));
    await table.write(page([row(1, 9, { name: '"new"', done: 'true' })], 'delta'));
    expect(await table.write(page([row(1, 8)], 'delta'))).toMatchObject({ written: 0, deleted: 0 });
    expect(await test.database.query(NAMES)).toEqual([{ name: 'new', version: 9 }]);
    expect(await table.write(page([row(1, 9)], 'delta'))).toMatchObject({ deleted: 1 });
  });

  it('a row that leaves the filter is marked if deletes are soft, and no older version brings it back', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, filtered('done'), { softDeletes: true });
    await table.write(page([row(1, 1, { name: '"a"', done: 'true' })], 'delta'));
    await table.write(page([row(1, 5, { name: '"secret"' })], 'delta'));
    const marked = `SELECT name, _deleted_at IS NOT NULL AS deleted FROM dataverse.thing`;
    expect(await test.database.query(marked)).toEqual([{ name: 'a', deleted: true }]);
    await table.write(page([row(1, 4, { name: '"older"', done: 'true' })], 'delta'));
    expect(await test.database.query(marked)).toEqual([{ name: 'a', deleted: true }]);
    await table.write(page([row(1, 6, { name: '"again"', done: 'true' })], 'delta'));
    expect(await test.database.query(marked)).toEqual([{ name: 'again', deleted: false }]);
  });

  it('a re-baseline over another filter keeps the former rows until its sweep, which asks nobody about them', async () => {
    await using test = await testMirror();
    const before = await WritingTable.open(test.mirror, filtered('count < 2000'));
    const all = Array.from({ length: 2_400 }, (_, at) => row(at, at + 1, { name: '"x"', count: String(at) }));
    await before.write(page(all, 'delta'), true);
    await before.writer.close();
    const table = await WritingTable.open(test.mirror, filtered('count >= 1900'), { phase: 'rebaseline' });
    const count = async (): Promise<unknown> =>
      (await test.database.query('SELECT count(*)::int AS rows FROM dataverse.thing'))[0];
    await table.write(page(all.slice(0, 1_000), 'next'));
    expect(await count()).toEqual({ rows: 2_000 });
    await table.write(page(all.slice(1_000), 'delta'));
    expect(await count()).toEqual({ rows: 2_400 });
    // One of the rows outside comes in by the first delta, and one of those inside leaves.
    const changed = [row(7, 5_000, { count: '1907' }), row(1_950, 5_001, { count: '0' })];
    const swept = await table.write(page(changed, 'delta'));
    expect(swept).toMatchObject({ refusedSweep: null, deleted: 1_900 });
    expect(await count()).toEqual({ rows: 500 });
    const left = await test.database.query(
      `SELECT tablename FROM pg_tables WHERE tablename ~ '^(seen|outside)_'`,
    );
    expect(left).toEqual([]);
  });

  it('a row on which the filter fails goes to quarantine with its SQLSTATE, and the other rows go on', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, filtered('10 / count > 1'));
    const rows = [1, 0, 2, 20].map((count, at) => row(at + 1, at + 1, { count: String(count) }));
    expect(await table.write(page(rows, 'delta'))).toMatchObject({ written: 2, quarantined: 1 });
    expect(await test.database.query('SELECT key, sqlstate, reason FROM mirrorverse.quarantine')).toEqual([
      { key: id(2), sqlstate: '22012', reason: 'the filter of rows fails on it: a division by zero' },
    ]);
    await table.write(page([row(2, 9, { count: '50' })], 'delta'));
    expect(await test.database.query('SELECT key FROM mirrorverse.quarantine')).toEqual([]);
    expect(await test.database.query(NAMES)).toHaveLength(2);
  });

  it('a row outside of the filter needs no quarantine, whatever its other values are', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, filtered('done'));
    const bad = { name: '"nul \\u0000"', count: '99999999999' };
    await table.write(page([row(1, 1, { ...bad, done: 'false' }), row(2, 2, { done: 'true' })], 'next'));
    await table.write(page([row(3, 3, { ...bad, done: 'true' }), row(2, 4, { ...bad })], 'delta'));
    expect(await test.database.query('SELECT key FROM mirrorverse.quarantine')).toEqual([{ key: id(3) }]);
    await table.write(page([row(4, 5, bad)], 'delta'));
    expect(await test.database.query(NAMES)).toEqual([]);
  });

  it('a tombstone of a row outside of the filter, and one beside its row, leave the mirror right', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, filtered('done'));
    await table.write(page([row(1, 1, { done: 'true' }), row(2, 2)], 'delta'));
    const both = page([row(1, 3), tombstone(2), tombstone(1)], 'delta');
    const { certain, doubtful } = await table.writer.deletions(both);
    expect([certain.length, doubtful.length]).toEqual([1, 1]);
    await table.write(page([row(1, 3), tombstone(2)], 'delta'));
    expect(await test.database.query(NAMES)).toEqual([]);
  });

  it('a trigger that keeps a row which leaves the filter stops the table', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, filtered('done'));
    await table.write(page([row(1, 1, { done: 'true' })], 'delta'));
    await test.database.query(
      `CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
       CREATE TRIGGER keep BEFORE DELETE ON dataverse.thing FOR EACH ROW EXECUTE FUNCTION keep()`,
    );
    await expect(table.write(page([row(1, 2)], 'delta'))).rejects.toMatchObject({ code: 'rows-swallowed' });
  });

  it('rows that are read again are deleted if they have left the filter', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, filtered('done'));
    await table.write(page([row(1, 1, { done: 'true' })], 'delta'));
    await table.writer.storeAgain(page([row(1, 2)], 'delta'), [], never);
    expect(await test.database.query(NAMES)).toEqual([]);
  });
});
