import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import * as mergeSql from '../../src/mirror/page/merge-sql.ts';
import { changedRows, needKey } from '../../src/mirror/page/unchanged-rows.ts';
import { mirrorTable, type MirrorTable } from '../../src/mirror/table/mirror-table.ts';
import { column, sampleTable } from './sample-table.ts';

/** Every statement that names a mirror table's columns. */
function statements(mirror: MirrorTable): string[] {
  return [
    mergeSql.createStaging(mirror, 'DELETE ROWS'),
    mergeSql.dropStaging(mirror),
    mergeSql.copyInto(mirror, 'staging', 'text'),
    mergeSql.copyInto(mirror, 'mirror', 'binary'),
    mergeSql.updateStaged(mirror, true),
    mergeSql.updateStaged(mirror, false),
    mergeSql.updateStaged(mirror, true, '"s"."seen"'),
    changedRows(mirror),
    needKey(mirror),
    mergeSql.insertStaged(mirror, true),
    mergeSql.insertStaged(mirror, false, '"s"."seen"'),
    mergeSql.deleteByKey(mirror),
    mergeSql.sweepUnseen(mirror, '"s"."seen"'),
    mergeSql.writtenByThisDelta(mirror, 'state'),
    mergeSql.unstage(mirror, 'true'),
    mergeSql.createKeys(mirror, '"s"."seen"'),
    mergeSql.addKeys(mirror, '"s"."seen"'),
    mergeSql.newerRows(mirror),
    ...(mirror.partitionField === undefined ? [] : [mergeSql.knownInPartitions(mirror, 'state')]),
  ];
}

/** The statement's words alone: each quoted name becomes one sign. */
function skeleton(statement: string): string {
  return statement.replaceAll(/"(?:[^"]|"")*"/gu, '?');
}

const hostile = fc.oneof(
  fc.constantFrom('"', '";DROP TABLE x;--', "'", 'select', 'a"b', '$1', '\\', 'Ünï', '--', '/*'),
  fc.string({ unit: fc.constantFrom('"', ';', '-', ' ', '\n', 'a', '.'), minLength: 1, maxLength: 8 }),
);

function mirrorOf(
  name: string,
  schema: string,
  attribute: string,
  softDeletes: boolean,
  partitioned = false,
): MirrorTable {
  const labels = { logicalName: name, ...(partitioned ? { partition: attribute } : {}) };
  const table = sampleTable([column(attribute, 'text')], labels);
  return mirrorTable(table, schema, softDeletes);
}

test('a name changes nothing of a statement but that name, whatever it contains', () => {
  fc.assert(
    fc.property(hostile, hostile, hostile, fc.boolean(), fc.boolean(), (name, schema, attribute, ...kind) => {
      const harmless = statements(mirrorOf('table', 'schema', 'attribute', ...kind));
      const actual = statements(mirrorOf(name, schema, attribute, ...kind));
      expect(actual.map(skeleton)).toEqual(harmless.map(skeleton));
    }),
  );
});

test('the staging tables of two long names that begin alike are two', () => {
  const long = 'new_a_very_long_logical_name_of_a_custom_table_of_someone_';
  const [one, two] = ['one', 'two'].map((end) => mergeSql.stagingName(mirrorOf(long + end, 's', 'a', false)));
  expect(one).not.toBe(two);
  expect(Buffer.byteLength(one ?? '')).toBeLessThanOrEqual(63);
});
