import { expect, test } from 'vitest';
import { selectionOf } from '../../src/model/table.ts';
import { withoutColumns } from '../../src/sync/table-selection.ts';
import { failureOf } from './failing.ts';
import { column, sampleTable } from './sample-table.ts';

const owner = column('ownerid', 'uuid', { property: '_ownerid_value' });
const ownerTable = column('ownerid_entitytype', 'text', {
  attribute: 'ownerid',
  property: '_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname',
  selectable: false,
});
const table = sampleTable([column('name', 'text'), owner, ownerTable]);

const names = (exclude: readonly string[]): string[] =>
  withoutColumns(table, exclude).columns.map((one) => one.name);

test('nothing excluded is the table itself', () => {
  expect(withoutColumns(table, [])).toBe(table);
});

test('an excluded attribute takes its companion column along', () => {
  expect(names(['ownerid'])).toEqual(['accountid', 'versionnumber', 'name']);
});

test('an attribute that the table does not have excludes nothing', () => {
  expect(names(['no_such_attribute'])).toEqual(table.columns.map((one) => one.name));
});

test.each(['accountid', 'versionnumber'])(
  '%s cannot be excluded, and the failure says how to mend it',
  (name) => {
    expect(failureOf(() => withoutColumns(table, ['name', name]))).toMatchObject({
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
  expect(selectionOf(withoutColumns(table, ['name']))).not.toBe(selectionOf(table));
});
