import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TableLabels } from '../../src/model/option-labels.ts';
import { createLabelTables } from '../../src/mirror/labels/label-tables.ts';
import { writeLabels } from '../../src/mirror/labels/write-labels.ts';
import { transaction } from '../../src/mirror/connection/postgres.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { choice, columnLabels, tableLabels } from '../support/hand-made-labels.ts';

const ACCOUNT = tableLabels('account', {
  name: { 1033: 'Account', 1031: 'Firma' },
  columns: [columnLabels('name', 'StringType', { 1033: 'Name' })],
  choices: [
    choice('industrycode', 'picklist', {
      1: { 1033: 'Accounting', 1031: 'Buchhaltung' },
      2: { 1033: 'Mining' },
    }),
    choice('statuscode', 'status', { 1: { 1033: 'Active' } }, { states: { 1: 0 } }),
  ],
  lookups: [['parentid', ['account', 'accountid', 'name'], ['contact', 'contactid', 'fullname']]],
});

const write = async (database: TestDatabase, labels: TableLabels): Promise<number> =>
  transaction(database.pool, async (client) => writeLabels(client, 'dataverse', labels));

/** As PostgreSQL can hold it. */
const clean = (text: string): string => text.replaceAll('\0', '').toWellFormed();

const TABLES = ['_choices', '_lookup_targets', '_columns', '_column_labels', '_table_labels'];

/** Everything stored, with where and by which transaction. */
async function stored(database: TestDatabase): Promise<unknown[]> {
  const contents = await Promise.all(
    TABLES.map(async (table) =>
      database.query(`SELECT xmin, xmax, ctid, * FROM dataverse.${table} ORDER BY ctid`),
    ),
  );
  return contents;
}

describe('label tables', () => {
  it('label tables are created once when five processes start at once', async () => {
    await using database = await freshDatabase();
    await Promise.all(
      Array.from({ length: 5 }, async () =>
        transaction(database.pool, async (client) => createLabelTables(client, 'dataverse')),
      ),
    );
    const found = await database.query<{ name: string; comment: string | null }>(
      `SELECT relname AS name, obj_description(oid) AS comment FROM pg_class
        WHERE relnamespace = 'dataverse'::regnamespace AND relkind = 'r' ORDER BY 1`,
    );
    expect(found.map(({ name }) => name)).toEqual([...TABLES, '_views'].toSorted());
    expect(found.filter(({ comment }) => comment === null)).toEqual([]);
  });

  it('label tables hold options by language, lookup targets, attributes and display names', async () => {
    await using database = await freshDatabase();
    await write(database, ACCOUNT);
    expect(
      await database.query(
        `SELECT column_name, value, language, label, kind, option_set, is_global, position, state
           FROM dataverse._choices WHERE table_name = 'account' ORDER BY 1, 2, 3`,
      ),
    ).toEqual([
      expect.objectContaining({
        column_name: 'industrycode',
        value: 1,
        language: 1031,
        label: 'Buchhaltung',
      }),
      expect.objectContaining({ language: 1033, label: 'Accounting', option_set: 'set_industrycode' }),
      expect.objectContaining({ value: 2, label: 'Mining', kind: 'picklist', position: 1, state: null }),
      expect.objectContaining({ column_name: 'statuscode', kind: 'status', state: 0, is_global: false }),
    ]);
    expect(
      await database.query(
        'SELECT target_table, target_id, target_name FROM dataverse._lookup_targets ORDER BY 1',
      ),
    ).toEqual([
      { target_table: 'account', target_id: 'accountid', target_name: 'name' },
      { target_table: 'contact', target_id: 'contactid', target_name: 'fullname' },
    ]);
    expect(
      await database.query('SELECT display_name FROM dataverse._table_labels ORDER BY language'),
    ).toEqual([{ display_name: 'Firma' }, { display_name: 'Account' }]);
    expect(
      await database.query('SELECT column_name, attribute_type FROM dataverse._columns ORDER BY 1'),
    ).toEqual([
      { column_name: 'industrycode', attribute_type: 'Picklist' },
      { column_name: 'name', attribute_type: 'String' },
      { column_name: 'parentid', attribute_type: 'Lookup' },
      { column_name: 'statuscode', attribute_type: 'Status' },
    ]);
  });

  it('label tables are not written to where nothing changed', async () => {
    await using database = await freshDatabase();
    expect(await write(database, ACCOUNT)).toBeGreaterThan(8);
    const before = await stored(database);
    expect(await write(database, ACCOUNT)).toBe(0);
    expect(await stored(database)).toEqual(before);
  });

  it('label tables follow an option that is renamed and an option that is gone, and touch no other row', async () => {
    await using database = await freshDatabase();
    const contact = tableLabels('contact', { choices: ACCOUNT.choices });
    await write(database, contact);
    await write(database, ACCOUNT);
    const labels = (): Promise<{ label: string }[]> =>
      database.query(`SELECT label FROM dataverse._choices WHERE table_name = 'account' ORDER BY label`);
    const choices = [
      choice('industrycode', 'picklist', { 1: { 1033: 'Bookkeeping', 1031: 'Buchhaltung' } }),
      ...ACCOUNT.choices.slice(1),
    ];
    expect(await write(database, { ...ACCOUNT, choices })).toBe(2);
    expect((await labels()).map(({ label }) => label)).toEqual(['Active', 'Bookkeeping', 'Buchhaltung']);
    expect(await write(database, contact)).toBe(0);
  });

  it('label tables hold any text that PostgreSQL can hold, unchanged', async () => {
    await using database = await freshDatabase();
    const text = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1 }),
      fc.constantFrom(`"; drop table x; --`, `'); DELETE FROM "_choices"; --`, '\\', '$1', '\ud800x', 'a\0b'),
    );
    await fc.assert(
      fc.asyncProperty(text.map(clean), text, text, async (table, column, label) => {
        const labels = tableLabels(table, { choices: [choice(column, 'picklist', { 7: { 1033: label } })] });
        await write(database, labels);
        expect(
          await database.query('SELECT column_name, label FROM dataverse._choices WHERE table_name = $1', [
            clean(table),
          ]),
        ).toEqual([{ column_name: clean(column), label: clean(label) }]);
        await write(database, { ...labels, choices: [], columns: [] });
      }),
      { numRuns: 60 },
    );
    expect(await database.query('SELECT count(*)::int AS rows FROM dataverse._choices')).toEqual([
      { rows: 0 },
    ]);
  });
});
