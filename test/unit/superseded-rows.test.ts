import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { mirrorTable } from '../../src/mirror/table/mirror-table.ts';
import { supersededRows } from '../../src/mirror/page/row-key.ts';
import { pageRows } from './page-rows.ts';
import { sampleMirror, sampleTable } from './sample-table.ts';

const mirror = sampleMirror();

function superseded(rows: readonly (readonly [string, string | null])[]): number[] {
  const cells = rows.map(([key, version]) => [JSON.stringify(key), version]);
  const keys = rows.map(([key]) => key);
  return [...supersededRows(mirror, pageRows(cells, 2), keys)].toSorted((a, b) => a - b);
}

test('a key keeps only the last row of its highest version', () => {
  const row = fc.tuple(
    fc.constantFrom('a', 'b', 'c'),
    fc.option(fc.bigInt({ min: 9007199254740990n, max: 9007199254740996n }).map(String)),
  );
  fc.assert(
    fc.property(fc.array(row, { maxLength: 10 }), (rows) => {
      const version = (at: number): bigint => BigInt(rows[at]?.[1] ?? -1n);
      const expected = rows.flatMap(([key], at) => {
        const better = rows.some(
          ([other], rival) =>
            other === key &&
            rival !== at &&
            (version(rival) > version(at) || (version(rival) === version(at) && rival > at)),
        );
        return better ? [at] : [];
      });
      expect(superseded(rows)).toEqual(expected);
    }),
  );
});

test('versions that a JavaScript number would take for one are two', () => {
  expect(
    superseded([
      ['a', '9007199254740993'],
      ['a', '9007199254740992'],
    ]),
  ).toEqual([1]);
});

test('a page of different keys keeps every row', () => {
  expect(
    superseded([
      ['a', '1'],
      ['b', '1'],
      ['c', null],
    ]),
  ).toEqual([]);
});

test('a table without versions keeps the last row of a key', () => {
  const { version: _, ...table } = sampleTable();
  const page = pageRows(
    [
      ['"a"', '9'],
      ['"a"', '1'],
    ],
    2,
  );
  expect([...supersededRows(mirrorTable(table, 'dataverse', false), page, ['a', 'a'])]).toEqual([0]);
});

test('rows without a key do not supersede anything', () => {
  expect([
    ...supersededRows(
      mirror,
      pageRows(
        [
          [null, '1'],
          [null, '2'],
        ],
        2,
      ),
      [null, null],
    ),
  ]).toEqual([]);
});
