import * as fc from 'fast-check';
import type pg from 'pg';
import { expect, test } from 'vitest';
import { copyPieces } from '../../src/mirror/copy/copy-text.ts';
import { copy } from '../../src/mirror/copy/copy.ts';
import { copyInto, createStaging, insertStaged, updateStaged } from '../../src/mirror/page/merge-sql.ts';
import { rowKeys } from '../../src/mirror/page/row-key.ts';
import { findUnchanged } from '../../src/mirror/page/unchanged-rows.ts';
import type { PageResult } from '../../src/mirror/page/page-step.ts';
import { mirrorTable } from '../../src/mirror/table/mirror-table.ts';
import type { Page } from '../../src/model/page.ts';
import { id, page, row, THING, THING_COLUMNS } from '../support/hand-made.ts';
import { testMirror, WritingTable, type TestMirror } from '../support/mirror.ts';

const ALL_COLUMNS = THING_COLUMNS.map(([name]) => name).join(', ');

/** Few values of each column, so that rows often have the same ones. */
const LITERALS: Readonly<Record<string, readonly string[]>> = {
  name: ['"a"', '"A"', '""', '"ä, 漢字, 😀 and more than twelve bytes"'],
  amount: ['1.5', '-1.5', '1.50', '0', '0.00', '10000', '0.00010', '-99999999.9999'],
  count: ['0', '1', '-1', '2147483647'],
  big: ['1', '-1', '0', '4294967296', '4294967295'],
  ratio: ['0', '-0.0', '1.5', '-1.5'],
  done: ['true', 'false'],
  choices: ['"1"', '"1,2"', '"2,1"'],
  seenon: ['"2024-01-01T00:00:00Z"', '"1999-12-31T23:59:59.999999Z"'],
  walltime: ['"2024-01-01T00:00:00Z"', '"1999-12-31T23:59:59.999999Z"'],
  birthday: ['"2024-01-01"', '"1999-12-31"'],
};

const literals = fc.record(
  Object.fromEntries(
    Object.entries(LITERALS).map(([name, some]) => [name, fc.constantFrom('null', ...some)]),
  ),
);
const version = fc.integer({ min: 1, max: 2 });
const rows = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 1, max: 9 }), version, literals), {
    selector: ([key]) => key,
    minLength: 1,
  })
  .map((all) => all.map(([key, at, values]) => ({ key, at, values })));

/** What people do to rows of a mirror. */
const EDITS = [
  `name = upper(name)`,
  `name = name || ' '`,
  `amount = -amount`,
  `amount = amount::numeric(20, 4)`,
  `amount = 'NaN'`,
  `ratio = -ratio`,
  `ratio = 'NaN'`,
  `big = big # 4294967297`,
  `count = -count, done = NOT done`,
  `choices = choices || 1`,
  `seenon = walltime AT TIME ZONE 'UTC', walltime = seenon AT TIME ZONE 'UTC'`,
  `seenon = seenon + interval '1 microsecond'`,
  `birthday = birthday + 1`,
  `versionnumber = NULL`,
  `versionnumber = versionnumber + 1`,
  `versionnumber = versionnumber - 1`,
  `_deleted_at = now()`,
];
const edits = fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.constantFrom(...EDITS)), { maxLength: 6 });

/** The rows that a merge alone makes of the mirror's, without looking for unchanged ones first. */
async function merged(client: pg.PoolClient, source: Page): Promise<void> {
  const oracle = mirrorTable(THING, 'oracle', true);
  await client.query('CREATE SCHEMA oracle');
  await client.query('CREATE TABLE oracle.thing (LIKE dataverse.thing INCLUDING ALL)');
  await client.query('INSERT INTO oracle.thing SELECT * FROM dataverse.thing');
  await client.query(createStaging(oracle, 'DROP'));
  await copy(client, copyInto(oracle, 'staging', 'text'), copyPieces(source, oracle.columns));
  await client.query(updateStaged(oracle, true));
  await client.query(insertStaged(oracle, true), [true]);
}

/** What a table has, apart from the times of writing. */
function contents(schema: string): string {
  return `SELECT ${ALL_COLUMNS}, _deleted_at IS NULL AS live FROM ${schema}.thing ORDER BY thingid`;
}

function entries(all: readonly { key: number; at: number; values: Record<string, string> }[]): string[] {
  return all.map(({ key, at, values }) => row(key, at, values));
}

async function stored(mirror: TestMirror['mirror'], source: Page): Promise<PageResult> {
  const table = await WritingTable.open(mirror, THING, { softDeletes: true, phase: 'rebaseline' });
  const result = await table.write(source);
  await table.writer.close();
  return result;
}

test('a re-baseline that leaves out unchanged rows makes the mirror what a merge of all rows makes it', async () => {
  await using bench = await testMirror();
  const { database, mirror } = bench;
  const client = await database.pool.connect();
  await fc.assert(
    fc.asyncProperty(rows, edits, rows, async (before, changes, after) => {
      await database.query('DROP SCHEMA IF EXISTS oracle CASCADE');
      await stored(mirror, page(entries(before), 'next'));
      await database.query('DELETE FROM dataverse.thing');
      await stored(mirror, page(entries(before), 'next'));
      for (const [key, change] of changes) {
        await database.query(`UPDATE dataverse.thing SET ${change} WHERE thingid = '${id(key)}'`);
      }
      const source = page(entries(after), 'next');
      await client.query('BEGIN');
      await merged(client, source);
      await client.query('COMMIT');
      await stored(mirror, source);
      expect(await database.query(contents('dataverse'))).toEqual(await database.query(contents('oracle')));
    }),
    { numRuns: 60 },
  );
  client.release();
});

test('a re-baseline finds every row that is there unchanged by its hash', async () => {
  await using bench = await testMirror();
  const { database, mirror } = bench;
  const client = await database.pool.connect();
  await fc.assert(
    fc.asyncProperty(rows, async (all) => {
      const source = page(entries(all), 'next');
      await stored(mirror, source);
      const target = mirrorTable(THING, 'dataverse', true);
      await database.query('DELETE FROM dataverse.thing');
      await stored(mirror, source);
      const found = await findUnchanged(client, target, source, rowKeys(target, source), {});
      expect(found.size).toBe(all.length);
      const places = 'SELECT ctid::text, xmin::text FROM dataverse.thing ORDER BY thingid';
      const before = await database.query(places);
      expect(await stored(mirror, source)).toMatchObject({ written: 0, quarantined: 0 });
      expect(await database.query(places)).toEqual(before);
    }),
    { numRuns: 30 },
  );
  client.release();
});

test.each(EDITS.filter((edit) => !edit.includes('::numeric')))(
  'a re-baseline sees a row after this change: %s',
  async (edit) => {
    await using bench = await testMirror();
    const { database, mirror } = bench;
    const values = Object.fromEntries(Object.entries(LITERALS).map(([name, some]) => [name, some[0] ?? '']));
    const source = page(
      [row(1, 1, { ...values, ratio: '1.5', count: '1', walltime: '"2023-05-05T05:05:05Z"' })],
      'next',
    );
    await stored(mirror, source);
    await database.query(`UPDATE dataverse.thing SET ${edit}`);
    const target = mirrorTable(THING, 'dataverse', true);
    const client = await database.pool.connect();
    const found = await findUnchanged(client, target, source, rowKeys(target, source), {});
    client.release();
    expect(found.size).toBe(0);
  },
);
