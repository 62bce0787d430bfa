import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { mirrorTable } from '../../src/mirror/table/mirror-table.ts';
import { keyText, parseKey, rowKey, rowVersion } from '../../src/mirror/page/row-key.ts';
import { pageRows } from './page-rows.ts';
import { column, sampleMirror, sampleTable } from './sample-table.ts';

const partitioned = mirrorTable(
  sampleTable([column('partitionid', 'text')], { partition: 'partitionid' }),
  'dataverse',
  false,
);
const rowId = fc.record({
  key: fc.uuid(),
  partition: fc.option(fc.string({ unit: 'binary' })),
});

test('a whole key comes back from its text unchanged', () => {
  fc.assert(
    fc.property(rowId, (id) => {
      expect(parseKey(keyText(id))).toEqual(id);
    }),
  );
});

test('different whole keys have different texts', () => {
  const near = fc.record({
    key: fc.constantFrom('00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'),
    partition: fc.constantFrom(null, '', ',', 'a', 'a,', ',a'),
  });
  fc.assert(
    fc.property(near, near, (one, other) => {
      const same = one.key === other.key && one.partition === other.partition;
      expect(keyText(one) === keyText(other)).toBe(same);
    }),
  );
});

test.each(['', 'without a key, 0123456789abcdef', 'x'.repeat(36), `${'0'.repeat(8)}-0000`])(
  'the text %j is not the text of a key',
  (text) => {
    expect(parseKey(text)).toBeNull();
  },
);

const GUID = '"ABCDEF00-0000-4000-8000-000000000001"';

test.each([
  [[GUID, '1', '"p,q"'], 'abcdef00-0000-4000-8000-000000000001,p,q'],
  [[GUID, '1', null], 'abcdef00-0000-4000-8000-000000000001'],
  [[GUID, '1', String.raw`"a\u0000"`], null],
  [[GUID, '1', String.raw`"\ud800"`], null],
  [[null, '1', '"p"'], null],
  [['"no GUID"', '1', '"p"'], null],
])('the row %j has the key %j', (cells, key) => {
  expect(rowKey(partitioned, pageRows([cells], 3), 0)).toBe(key);
});

test.each([
  ['9223372036854775807', 9223372036854775807n],
  ['"1000000000000000000"', 1000000000000000000n],
  ['1000000000000000', 1000000000000000n],
  ['0', 0n],
  ['9223372036854775808', null],
  ['-1', null],
  ['1.5', null],
  [null, null],
])('the version %s is %s', (literal, version) => {
  expect(rowVersion(sampleMirror(), pageRows([[GUID, literal]], 2), 0)).toBe(version);
});
