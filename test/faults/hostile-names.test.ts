import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { qualifiedName, quoteIdentifier, shortenIdentifier } from '../../src/mirror/table/identifier.ts';
import { refreshViews } from '../../src/mirror/views/refresh-views.ts';
import { writeLabels } from '../../src/mirror/labels/write-labels.ts';
import { openMirrorDatabase } from '../../src/mirror/database.ts';
import { openMirror, type MirrorOptions } from '../../src/mirror/mirror.ts';
import { transaction } from '../../src/mirror/connection/postgres.ts';
import type { Column, ColumnType, Table } from '../../src/model/table.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { id, page } from '../support/hand-made.ts';
import { choice, columnLabels, tableLabels, texts } from '../support/hand-made-labels.ts';
import { ORGANIZATION, silent, WritingTable } from '../support/mirror.ts';

/** What somebody would write who wants out of the quotes, and what trips up those who mean no harm. */
const HOSTILE = [
  `"; drop table bystander; --`,
  `'; drop table bystander; --`,
  `a"b`,
  `a""b`,
  `$$; drop table bystander; $$`,
  `\\'; drop table bystander; --`,
  `/* a */ -- b`,
  `E'\\x41'`,
  '%I %s $1 :name {0}',
  'select',
  'user',
  'Account',
  'account',
  '_mirrored_at',
  '_deleted_at',
  'ctid',
  'a.b',
  ' ',
  '\t\n\r\u0001\u007f',
  '\u202e\u200b\ufeff',
  'ÄÖÜ',
  '😀'.repeat(20),
  'e\u0301',
  'x'.repeat(63),
  'x'.repeat(64),
  `${'x'.repeat(62)}"`,
  `${'x'.repeat(80)}one`,
  `${'x'.repeat(80)}two`,
] as const;

const hostile = fc
  .oneof(
    fc.constantFrom(...HOSTILE),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }),
    fc.string({
      unit: fc.oneof(
        fc.constantFrom('"', "'", '\\', ';', '-', '$', '.'),
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
      ),
      minLength: 1,
      maxLength: 70,
    }),
  )
  .filter((name) => !name.includes('\0') && name.isWellFormed());

const CASE = fc.record({
  // A schema's name comes from the configuration, which refuses what PostgreSQL would cut.
  schemas: fc.uniqueArray(
    hostile.filter((name) => Buffer.byteLength(name) <= 63 && !name.startsWith('pg_')),
    { minLength: 3, maxLength: 3 },
  ),
  table: hostile,
  columns: fc.uniqueArray(hostile, { minLength: 4, maxLength: 4 }),
  labels: fc.array(hostile, { minLength: 4, maxLength: 4 }),
  value: hostile,
});

const NAMES = `SELECT n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname <> ALL ($1) AND n.nspname !~ '^pg_(temp|toast)' ORDER BY 1`;

/** All relations outside of some schemas, all schemas but those, and the rows of the bystander. */
async function rest(database: TestDatabase, schemas: readonly string[]): Promise<unknown> {
  return Promise.all([
    database.query(NAMES, [schemas]),
    database.query(
      `SELECT nspname::text FROM pg_namespace WHERE nspname <> ALL ($1) AND nspname !~ '^pg_(temp|toast)' ORDER BY 1`,
      [schemas],
    ),
    database.query(`SELECT rolname::text FROM pg_roles WHERE rolname !~ '^test_' ORDER BY 1`),
    database.query(
      `SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1`,
    ),
    database.query('SELECT * FROM public.bystander'),
  ]);
}

function plain(name: string, type: ColumnType, displayName: string): Column {
  return { name, type, attribute: name, property: name, selectable: true, displayName };
}

async function expectHarmless(given: {
  readonly schemas: readonly string[];
  readonly table: string;
  readonly columns: readonly string[];
  readonly labels: readonly string[];
  readonly value: string;
}): Promise<void> {
  const [schema = '', stateSchema = '', viewSchema = ''] = given.schemas;
  const [key = '', text = '', code = '', lookup = ''] = given.columns;
  const [tableLabel = '', columnLabel = '', optionLabel = '', description = ''] = given.labels;
  await using database = await freshDatabase('administrator');
  await database.query(`CREATE TABLE public.bystander AS SELECT 'untouched' AS text`);
  const before = await rest(database, given.schemas);
  const table: Table = {
    logicalName: given.table,
    entitySet: 'things',
    key,
    displayName: tableLabel,
    description,
    columns: [
      plain(key, 'uuid', columnLabel),
      plain(text, 'text', columnLabel),
      plain(code, 'integer', columnLabel),
      { ...plain(lookup, 'uuid', columnLabel), targets: [given.table] },
    ],
  };
  const options: MirrorOptions = {
    url: database.url,
    schema,
    stateSchema,
    connections: 4,
    leaseDuration: 30_000,
  };
  const opened = openMirrorDatabase(options, silent);
  const { pool } = opened;
  try {
    const environment = { url: 'https://org', organizationId: ORGANIZATION, linkLifeDays: 7 };
    const mirror = await openMirror(opened, options, environment, [given.table]);
    const writing = await WritingTable.open(mirror, table);
    const row = { [key]: id(1), [text]: given.value, [code]: 7, [lookup]: id(1) };
    await writing.write(page([JSON.stringify(row)], 'delta', table));
    // And once more, by way of the staging table.
    await writing.write(page([JSON.stringify({ ...row, [code]: 8 })], 'delta', table), true);
    await writing.writer.close();

    const labels = tableLabels(given.table, {
      name: { 1033: tableLabel },
      columns: [columnLabels(text, 'StringType', { 1033: columnLabel })],
      choices: [choice(code, 'picklist', { 8: { 1033: optionLabel } })],
      lookups: [[lookup, [given.table, key, text]]],
    });
    await transaction(pool, async (client) =>
      writeLabels(client, schema, { ...labels, description: texts({ 1033: description }) }),
    );
    const report = await refreshViews(pool, {
      schema,
      stateSchema,
      viewSchema,
      environmentId: mirror.store.environmentId,
      languages: { preferred: undefined, base: 1033 },
      tables: [given.table],
    });
    expect(report.left).toEqual([]);

    const at = (name: string): string =>
      quoteIdentifier(writing.target.columns.find((column) => column.name === name)?.identifier ?? '');
    const stored = `SELECT ${at(key)} AS key, ${at(text)} AS text, ${at(code)} AS code, ${at(lookup)} AS lookup`;
    const expected = { key: id(1), text: given.value, code: 8, lookup: id(1) };
    expect(await database.query(`${stored} FROM ${writing.target.qualified}`)).toEqual([expected]);
    const view = qualifiedName(viewSchema, shortenIdentifier(given.table));
    expect(await database.query(`${stored} FROM ${view}`)).toEqual([expected]);
    // Whatever the columns of label and name are called: their values are among the view's.
    const [seen = {}] = await database.query(`SELECT * FROM ${view}`);
    expect(Object.values(seen)).toContain(optionLabel);
    expect(Object.values(seen).filter((value) => value === given.value).length).toBeGreaterThanOrEqual(2);
    expect(await rest(database, given.schemas)).toEqual(before);
  } finally {
    // Not awaited: after a failure a writer holds its connection, which the drop ends.
    pool.end().catch(() => undefined);
  }
}

test('names and labels from the source or the configuration are never SQL, and come back unchanged', async () => {
  await fc.assert(fc.asyncProperty(CASE, expectHarmless), { numRuns: 8 });
});

test.each(HOSTILE)('%j is a name like any other, wherever it stands', async (name) => {
  const isSchemaName = Buffer.byteLength(name) <= 60;
  await expectHarmless({
    schemas: isSchemaName ? [name, `${name}2`, `${name}3`] : ['one', 'two', 'three'],
    table: name,
    columns: [`${name}id`, name, `${name}_label`, `${name}_name`],
    labels: [name, name, name, name],
    value: name,
  });
});
