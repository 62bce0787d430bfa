import { expect } from 'vitest';
import type { Table } from '../../src/model/table.ts';
import { page, row, THING } from './hand-made.ts';
import { mirrorRows, rowsAsOf } from './history.ts';
import { WritingTable, type TestMirror } from './mirror.ts';

/** Records in the order of rows and time; whether each of them is open. */
export const SHORT_RECORDS = `SELECT right(thingid::text, 1) AS key, name, _version::int AS version, _deleted AS deleted, _valid_to IS NULL AS open
  FROM dataverse_history.thing ORDER BY thingid, _valid_from, _valid_to NULLS LAST`;

export type OpenOptions = {
  readonly history?: boolean;
  readonly softDeletes?: boolean;
  readonly table?: Table;
  readonly phase?: 'rebaseline' | 'stored';
};

export async function openThing(test: TestMirror, options: OpenOptions = {}): Promise<WritingTable> {
  await test.database.query('UPDATE mirrorverse.tables SET lease_holder = NULL');
  const { table = THING, history = true, ...more } = options;
  return WritingTable.open(test.mirror, table, { history, ...more });
}

/** A table of three rows, loaded, with a history. */
export async function loadedThing(test: TestMirror, options: OpenOptions = {}): Promise<WritingTable> {
  const table = await openThing(test, options);
  await table.write(page([row(1, 1, { name: '"a"' }), row(2, 2, { name: '"b"' }), row(3, 3)], 'delta'));
  return table;
}

/** SQL that gives a table a delta link of a version, which the links of the other tests do not tell. */
export function deltaLink(version: number): string {
  return `UPDATE mirrorverse.tables SET link = 'https://org/things?$deltatoken=${version}!01', link_kind = 'delta'`;
}

/** Last digit of the key and name of each row that a version has. */
export async function asOfVersion({ database }: TestMirror, version: number): Promise<string[]> {
  const rows = await database.query<{ row: string }>(
    `SELECT concat(right(thingid::text, 1), name) AS row FROM dataverse_history.thing_as_of_version($1) ORDER BY 1`,
    [version],
  );
  return rows.map(({ row: text }) => text);
}

export async function moment({ database }: TestMirror): Promise<string> {
  const [found] = await database.query<{ at: string }>('SELECT clock_timestamp()::text AS at');
  return `'${found?.at}'::timestamptz`;
}

/** Expects that the history says of now what the mirror table says. */
export async function expectSame({ database }: TestMirror): Promise<void> {
  expect(await rowsAsOf(database, 'thing', 'clock_timestamp()')).toEqual(await mirrorRows(database, 'thing'));
}
