import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RowId } from '../../src/model/page.ts';
import type { Table } from '../../src/model/table.ts';
import { id, page, row, THING_COLUMNS, thingWith, tombstone } from '../support/hand-made.ts';
import { testMirror, WritingTable } from '../support/mirror.ts';

const READING: Table = {
  ...thingWith([...THING_COLUMNS, ['partitionid', 'text']]),
  partition: 'partitionid',
};

const ROWS = `SELECT thingid::text AS key, partitionid AS partition, versionnumber::int AS version
  FROM dataverse.thing ORDER BY 1, 2`;
const QUARANTINE = 'SELECT key FROM mirrorverse.quarantine ORDER BY key';

/** A row of a partition; values are JSON literals. */
function reading(
  key: number,
  partition: string | null,
  version: number,
  literals: Record<string, string> = {},
): string {
  return row(key, version, { partitionid: JSON.stringify(partition), ...literals });
}

const readings = (entries: readonly string[], kind: 'next' | 'delta' = 'delta') =>
  page(entries, kind, READING);

describe('a partitioned table', () => {
  it('a partitioned table keeps a row of each partition, also of the null partition', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, READING);
    const entries = [reading(1, 'a', 1), reading(1, null, 2), reading(1, '', 3), reading(2, 'a', 4)];
    expect(await table.write(readings(entries))).toMatchObject({ written: 4, quarantined: 0 });
    const again = [reading(1, null, 5), reading(1, 'a', 1), reading(1, 'b', 6)];
    expect(await table.write(readings(again))).toMatchObject({ written: 2 });
    expect(await test.database.query(ROWS)).toEqual([
      { key: id(1), partition: '', version: 3 },
      { key: id(1), partition: 'a', version: 1 },
      { key: id(1), partition: 'b', version: 6 },
      { key: id(1), partition: null, version: 5 },
      { key: id(2), partition: 'a', version: 4 },
    ]);
  });

  it('a partitioned table stores the highest version where a page has a row of a partition twice', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, READING);
    await table.write(
      readings([reading(1, 'a', 9), reading(1, 'a', 8), reading(1, null, 2), reading(1, null, 3)]),
    );
    expect(await test.database.query(ROWS)).toMatchObject([{ version: 9 }, { version: 3 }]);
  });

  it.each([false, true])(
    'a partitioned table loses the rows whose whole key a tombstone names, with soft deletes: %s',
    async (softDeletes) => {
      await using test = await testMirror();
      const table = await WritingTable.open(test.mirror, READING, { softDeletes });
      await table.write(readings([reading(1, 'a', 1), reading(1, 'b', 2), reading(1, null, 3)]));
      const gone: RowId[] = [
        { key: id(1), partition: 'b' },
        { key: id(1), partition: null },
      ];
      const tombstones = gone.map((rowId) => ({ ...rowId, reason: 'deleted' }));
      expect(await table.write({ ...readings([]), tombstones })).toMatchObject({ deleted: 2 });
      const live = `SELECT partitionid AS partition FROM dataverse.thing ${softDeletes ? 'WHERE _deleted_at IS NULL' : ''}`;
      expect(await test.database.query(live)).toEqual([{ partition: 'a' }]);
    },
  );

  it('a partitioned table is swept by the whole key, and keeps what went to quarantine', async () => {
    await using test = await testMirror();
    const first = await WritingTable.open(test.mirror, READING);
    await first.write(
      readings([reading(1, 'a', 1), reading(1, 'b', 2), reading(1, null, 3), reading(2, null, 4)]),
      true,
    );
    const table = await WritingTable.open(test.mirror, READING, { phase: 'rebaseline' });
    await table.write(readings([reading(1, 'b', 2), reading(1, 'a', 9, { count: '99999999999' })]));
    await table.write(readings([reading(2, null, 4)]), true);
    expect(await test.database.query(ROWS)).toEqual([
      { key: id(1), partition: 'a', version: 1 },
      { key: id(1), partition: 'b', version: 2 },
      { key: id(2), partition: null, version: 4 },
    ]);
  });

  it('a partitioned table has quarantine entries by the whole key', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, READING);
    const bad = { count: '99999999999' };
    await table.write(
      readings([
        reading(1, 'a', 1, bad),
        reading(1, null, 2, bad),
        reading(1, 'b,c', 3, bad),
        reading(1, 'ok', 4),
      ]),
    );
    expect(await test.database.query(QUARANTINE)).toEqual([
      { key: id(1) },
      { key: `${id(1)},a` },
      { key: `${id(1)},b,c` },
    ]);
    await table.write(readings([reading(1, 'a', 5), reading(1, null, 6)]));
    expect(await test.database.query(QUARANTINE)).toEqual([{ key: `${id(1)},b,c` }]);
    await table.write({ ...readings([]), tombstones: [{ key: id(1), partition: 'b,c', reason: 'deleted' }] });
    expect(await test.database.query(QUARANTINE)).toEqual([]);
  });

  it('a partition value that PostgreSQL cannot hold makes a row without a key', async () => {
    await using test = await testMirror(30_000, { nul: 'replace', maxShare: 0.1 });
    const table = await WritingTable.open(test.mirror, READING);
    await table.write(readings([reading(1, 'a\0', 1), reading(2, 'b', 2)]));
    expect(await test.database.query(QUARANTINE)).toEqual([
      { key: expect.stringMatching(/^without a key/) as string },
    ]);
    expect(await test.database.query(ROWS)).toHaveLength(1);
  });
});

describe('a tombstone of a partitioned table', () => {
  it('a tombstone of a partitioned table is doubted where one row of its id is known, and ignored where none is', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, READING);
    await table.write(readings([reading(1, 'a', 1), reading(2, null, 2)]));
    expect(await table.writer.deletions(readings([tombstone(1), tombstone(2), tombstone(3)]))).toEqual({
      certain: [],
      doubtful: [
        { key: id(1), partition: 'a', reason: 'deleted' },
        { key: id(2), partition: null, reason: 'deleted' },
      ],
    });
  });

  it('a tombstone of a partitioned table leaves in doubt which of several rows it means, wherever they are known from', async () => {
    await using test = await testMirror();
    const table = await WritingTable.open(test.mirror, READING);
    await table.write(readings([reading(1, 'mirror', 1), reading(1, 'bad', 2, { count: '99999999999' })]));
    const { certain, doubtful } = await table.writer.deletions(
      readings([reading(1, 'page', 3), tombstone(1), tombstone(1)]),
    );
    expect(certain).toEqual([]);
    expect(new Set(doubtful.map(({ partition }) => partition))).toEqual(new Set(['bad', 'mirror', 'page']));
    expect(doubtful).toHaveLength(3);
  });
});

describe('sequences of pages', () => {
  it('any sequence of pages leaves the newest version of each whole key', async () => {
    await using test = await testMirror();
    const version = fc.integer({ min: 1, max: 9 });
    const entry = fc.tuple(fc.constantFrom(1, 2), fc.constantFrom(null, '', 'a', 'b'), version);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(entry, { maxLength: 6 }), { maxLength: 4 }), async (pages) => {
        await test.database.query('DROP TABLE IF EXISTS dataverse.thing');
        const table = await WritingTable.open(test.mirror, READING);
        for (const entries of pages) {
          await table.write(readings(entries.map(([key, partition, at]) => reading(key, partition, at))));
        }
        await table.writer.close();
        const newest = new Map<string, number>();
        for (const [key, partition, at] of pages.flat()) {
          const name = JSON.stringify([id(key), partition]);
          newest.set(name, Math.max(at, newest.get(name) ?? 0));
        }
        const found = await test.database.query<{ key: string; partition: string | null; version: number }>(
          ROWS,
        );
        expect(new Map(found.map((is) => [JSON.stringify([is.key, is.partition]), is.version]))).toEqual(
          newest,
        );
        expect(found).toHaveLength(newest.size);
      }),
      { numRuns: 20 },
    );
  });
});
