import { expect, test } from 'vitest';
import { selectionOf, type Table } from '../../src/model/table.ts';
import {
  ALL_COLUMNS,
  selectionFor,
  unknownNames,
  withSelectedColumns,
  type ColumnSelection,
} from '../../src/sync/tables/table-selection.ts';
import { failureOf } from './failing.ts';
import { column, sampleTable } from './sample-table.ts';

const owner = column('ownerid', 'uuid', { property: '_ownerid_value' });
const ownerTable = column('ownerid_entitytype', 'text', {
  attribute: 'ownerid',
  property: '_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname',
  selectable: false,
});
const table = sampleTable([column('name', 'text'), owner, ownerTable]);

const select = (selection: Partial<ColumnSelection>, of: Table = table): Table =>
  withSelectedColumns(of, { ...ALL_COLUMNS, ...selection }, 'key-1');

const names = (selection: Partial<ColumnSelection>, of?: Table): string[] =>
  select(selection, of).columns.map((one) => one.name);

test('the selection without a choice of columns is the whole table', () => {
  expect(select({})).toEqual(table);
});

test('an excluded attribute takes its companion column along', () => {
  expect(names({ exclude: ['ownerid'] })).toEqual(['accountid', 'versionnumber', 'name']);
});

test('an attribute that the table does not have excludes nothing', () => {
  expect(names({ exclude: ['no_such_attribute'] })).toEqual(table.columns.map((one) => one.name));
});

test.each(['accountid', 'versionnumber'])(
  'the column %s cannot be excluded, and the failure names the remedy',
  (name) => {
    expect(failureOf(() => select({ exclude: ['name', name] }))).toMatchObject({
      code: 'column-needed',
      reaction: 'stop-table',
      remedy: `Take ${name} out of columns.exclude of table account.`,
    });
  },
);

test('the selection is the same in any order of the columns and names no annotation', () => {
  const reversed = { ...table, columns: table.columns.toReversed() };
  expect(selectionOf(table)).toBe('_ownerid_value,accountid,name,versionnumber');
  expect(selectionOf(reversed)).toBe(selectionOf(table));
});

test('excluding a column changes the selection', () => {
  expect(selectionOf(select({ exclude: ['name'] }))).not.toBe(selectionOf(table));
});

test('an include list brings only its columns, with key and version', () => {
  expect(names({ include: ['na*'] })).toEqual(['accountid', 'versionnumber', 'name']);
});

test('a column that is left out by default comes when it is named, and not by *', () => {
  const withImage = sampleTable([column('entityimage', 'text', { onRequest: true })]);
  expect(names({}, withImage)).toEqual(['accountid', 'versionnumber']);
  expect(names({ include: ['*', 'entityimage'] }, withImage)).toContain('entityimage');
  expect(names({ include: ['*', 'entity*'], exclude: ['entityimage'] }, withImage)).not.toContain(
    'entityimage',
  );
});

test('a pattern never takes key or version away', () => {
  expect(names({ exclude: ['*'] })).toEqual(['accountid', 'versionnumber']);
});

test('a hashed column is text of the key in use, and its companion stays readable', () => {
  const columns = select({ hash: ['ownerid'] }).columns;
  expect(columns.find((one) => one.name === 'ownerid')).toMatchObject({ type: 'hash', hashKeyId: 'key-1' });
  expect(columns.find((one) => one.name === 'ownerid_entitytype')?.type).toBe('text');
});

test('another hash key is another selection', () => {
  const other = withSelectedColumns(table, { ...ALL_COLUMNS, hash: ['name'] }, 'key-2');
  expect(selectionOf(other)).not.toBe(selectionOf(select({ hash: ['name'] })));
  expect(selectionOf(select({ hash: ['name'] }))).not.toBe(selectionOf(table));
});

test('the key cannot be hashed', () => {
  expect(failureOf(() => select({ hash: ['accountid'] }))).toMatchObject({ code: 'column-needed' });
});

test('names that the table does not have are reported, and patterns are not', () => {
  const selection = { include: ['*', 'nmae'], exclude: ['fax', 'x*'], hash: ['name'] };
  expect(unknownNames(table, selection)).toEqual(['nmae', 'fax']);
});

const entryOf = (name: string, exclude: string) => ({
  name,
  columns: { ...ALL_COLUMNS, exclude: [exclude] },
});

test('the selection for a table is that of its own entry, else that of the last pattern that fits', () => {
  const entries = [entryOf('account', 'a'), entryOf('*', 'b'), entryOf('a*', 'c')];
  expect(selectionFor(entries, 'account')?.exclude).toEqual(['a']);
  expect(selectionFor(entries, 'audit')?.exclude).toEqual(['c']);
  expect(selectionFor(entries, 'contact')?.exclude).toEqual(['b']);
  expect(selectionFor(entries.slice(0, 1), 'contact')).toBeUndefined();
});
