import { expect, it } from 'vitest';
import { fileColumns, unknownFileColumns, type FileColumn } from '../../src/model/files/file-column.ts';
import type { Column, Table } from '../../src/model/table.ts';
import { ALL_COLUMNS, withSelectedColumns } from '../../src/sync/tables/table-selection.ts';

function column(
  name: string,
  attributeType: string,
  type: Column['type'],
  more: Partial<Column> = {},
): Column {
  return { name, type, attribute: name, property: name, selectable: true, attributeType, ...more };
}

const account: Table = {
  logicalName: 'account',
  entitySet: 'accounts',
  key: 'accountid',
  version: 'versionnumber',
  columns: [
    column('accountid', 'UniqueidentifierType', 'uuid'),
    column('versionnumber', 'BigIntType', 'bigint'),
    column('entityimageid', 'UniqueidentifierType', 'uuid'),
    column('entityimage', 'ImageType', 'text', { onRequest: true }),
    column('entityimage_timestamp', 'BigIntType', 'bigint', { onRequest: true }),
    column('new_file', 'FileType', 'uuid'),
    column('new_file_name', '', 'text', { attribute: 'new_file' }),
  ],
};

const note: Table = {
  ...account,
  logicalName: 'annotation',
  columns: [
    column('annotationid', 'UniqueidentifierType', 'uuid'),
    column('versionnumber', 'BigIntType', 'bigint'),
    column('documentbody', 'StringType', 'text', { onRequest: true }),
    column('filename', 'StringType', 'text'),
    column('mimetype', 'StringType', 'text'),
    column('isdocument', 'BooleanType', 'boolean'),
  ],
};

/** The body columns of a table that has all its columns. */
const bodiesOf = (table: Table): FileColumn[] =>
  fileColumns(table, ['*'], withSelectedColumns(table, { ...ALL_COLUMNS, files: ['*'] }, undefined));

const names = (table: Table): string[] => table.columns.map(({ name }) => name);

it('files of a table bring the time stamp of an image, and neither its thumbnail nor the body of a note', () => {
  const selected = withSelectedColumns(account, { ...ALL_COLUMNS, files: ['*'] }, undefined);
  expect(names(selected)).toEqual([
    'accountid',
    'versionnumber',
    'entityimageid',
    'entityimage_timestamp',
    'new_file',
    'new_file_name',
  ]);
  expect(names(withSelectedColumns(account, ALL_COLUMNS, undefined))).not.toContain('entityimage_timestamp');
  expect(names(withSelectedColumns(account, { ...ALL_COLUMNS, files: ['new_*'] }, undefined))).not.toContain(
    'entityimage_timestamp',
  );
});

it('a body is told from the next one by the id of a file, by id and time stamp of an image, and by the version of a note', () => {
  expect(bodiesOf(account)).toEqual([
    { name: 'entityimage', kind: 'image', identity: ['entityimageid', 'entityimage_timestamp'] },
    { name: 'new_file', kind: 'file', identity: ['new_file'], fileName: 'new_file_name' },
  ]);
  expect(bodiesOf(note)).toEqual([
    {
      name: 'documentbody',
      kind: 'text',
      identity: ['versionnumber'],
      fileName: 'filename',
      mimeType: 'mimetype',
      presence: 'isdocument',
    },
  ]);
});

it('a column whose ids are hashed or excluded has no bodies, and a name that no such column has is told', () => {
  const hashed = withSelectedColumns(
    account,
    { ...ALL_COLUMNS, hash: ['new_file'], exclude: ['entityimage*'] },
    'k',
  );
  expect(fileColumns(account, ['*'], hashed)).toEqual([]);
  expect(unknownFileColumns(account, ['new_file', 'name', 'none*'])).toEqual(['name']);
});
