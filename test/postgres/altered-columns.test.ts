import { describe, expect, it, test } from 'vitest';
import { id, page, row, THING } from '../support/hand-made.ts';
import { testMirror, WritingTable } from '../support/mirror.ts';

// A mirror table whose column somebody alters after the page has looked which table it is.
// Rows that go to PostgreSQL in binary must not be taken for values of the other type.
const ALTERED = [
  // As many bytes, of another meaning.
  ['count', 'real', '7', '7'],
  ['big', 'double precision', '9007199254740', '9007199254740'],
  ['ratio', 'bigint', '5', '5'],
  ['seenon', 'timestamp without time zone', '"2024-02-29T23:59:59Z"', '2024-02-29 23:59:59'],
  // Fewer, more, and of another form.
  ['count', 'bigint', '7', '7'],
  ['big', 'integer', '7', '7'],
  ['amount', 'text', '1.50', '1.50'],
  ['name', 'character varying(40)', '"Zoë"', 'Zoë'],
  ['birthday', 'text', '"1753-01-01"', '1753-01-01'],
  ['choices', 'bigint[]', '"1,8"', '{1,8}'],
] as const;

describe('a column that is altered between two pages', () => {
  test.each(ALTERED)(
    'a column %s that was altered to %s between two pages takes the values of rows that were encoded for the former type',
    async (column, type, literal, stored) => {
      await using bench = await testMirror();
      const table = await WritingTable.open(bench.mirror, THING);
      await table.write(page([row(1, 1)], 'next'));
      await bench.database.query(
        `ALTER TABLE dataverse.thing ALTER COLUMN ${column} TYPE ${type} USING ${column}::text::${type}`,
      );
      await bench.database.query(
        `UPDATE mirrorverse.tables SET mirror_file = pg_relation_filenode('dataverse.thing')`,
      );
      // One page of the first load, and one of a delta.
      await table.write(page([row(2, 2, { [column]: literal })], 'delta'));
      await table.write(page([row(3, 3, { [column]: literal })], 'delta'));
      const rows = await bench.database.query(
        `SELECT thingid, ${column}::text AS value FROM dataverse.thing WHERE thingid <> '${id(1)}' ORDER BY 1`,
      );
      expect(rows).toEqual([
        { thingid: id(2), value: stored },
        { thingid: id(3), value: stored },
      ]);
    },
  );

  it('a column that took the place of another one of the same name takes the values of rows that were encoded for the former type', async () => {
    await using bench = await testMirror();
    const table = await WritingTable.open(bench.mirror, THING);
    await table.write(page([row(1, 1, { count: '6' })], 'next'));
    await bench.database.query(
      'ALTER TABLE dataverse.thing DROP COLUMN count, ADD COLUMN count real DEFAULT 1.5',
    );
    await table.write(page([row(2, 2, { count: '7' })], 'delta'));
    const rows = await bench.database.query('SELECT count::text FROM dataverse.thing ORDER BY thingid');
    expect(rows).toEqual([{ count: '1.5' }, { count: '7' }]);
  });
});
