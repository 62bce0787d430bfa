import { describe, expect, it } from 'vitest';
import type { TrueRow } from '../../src/emulator/store/true-row.ts';
import { integer, text } from '../../src/emulator/table-parts/column-kinds.ts';
import { auditColumns, primaryId } from '../../src/emulator/table-parts/standard-columns.ts';
import { differences } from '../support/oracle.ts';
import { smallTable } from '../support/small-table.ts';
import { failures, SyncBench, type SyncOptions } from '../support/sync.ts';

const TABLE = 'new_part';
const PARTS = smallTable('new_Part', {
  columns: [
    primaryId('new_PartId', ['Part', 'Part']),
    text('new_Name', ['Name', 'Name'], 100, { isPrimaryName: true }),
    integer('new_Count', ['Count', 'Count']),
    integer('new_Size', ['Size', 'Size']),
    ...auditColumns(),
  ],
});
const MANY = { rows: 'new_count >= 50', pageSize: 40 } satisfies SyncOptions;
const FEW = { rows: 'new_count < 60', pageSize: 40 } satisfies SyncOptions;

function countOf({ values }: TrueRow): number {
  const count = values.get('new_count');
  return typeof count === 'object' && count !== null && 'number' in count ? Number(count.number) : Number.NaN;
}

const isMany = (row: TrueRow): boolean => countOf(row) >= 50;
const isFew = (row: TrueRow): boolean => countOf(row) < 60;

/** A hundred parts with counts from 0 to 99, and one without a count. */
async function open(): Promise<{ bench: SyncBench; ids: string[] }> {
  const bench = await SyncBench.open({ tables: [PARTS] });
  const { store } = bench.emulator;
  const ids = Array.from({ length: 100 }, (_, at) =>
    store.insert(TABLE, { new_name: `part ${at}`, new_count: at, new_size: at % 7 }),
  );
  store.insert(TABLE, { new_name: 'without a count' });
  return { bench, ids };
}

async function wrong(bench: SyncBench, isMeant?: (row: TrueRow) => boolean): Promise<string[]> {
  return differences(bench.emulator.store, bench.database, TABLE, isMeant);
}

describe('a table with a filter of rows', () => {
  for (const softDeletes of [false, true]) {
    it(`a table with a filter of rows follows rows in and out of it, with ${softDeletes ? 'soft' : 'hard'} deletes`, async () => {
      const { bench, ids } = await open();
      await using _ = bench;
      const { store } = bench.emulator;
      const options = { ...MANY, softDeletes, feed: 'marker', history: {} } as const;
      expect(failures(await bench.sync([TABLE], options))).toEqual({});
      expect(await wrong(bench, isMany)).toEqual([]);
      store.update(TABLE, ids[10] ?? '', { new_count: 77 });
      store.update(TABLE, ids[90] ?? '', { new_count: 1 });
      store.update(TABLE, ids[91] ?? '', { new_count: null });
      store.update(TABLE, ids[92] ?? '', { new_name: 'stays' });
      store.remove(TABLE, ids[93] ?? '');
      store.remove(TABLE, ids[3] ?? '');
      const [result] = await bench.sync([TABLE], options);
      expect(result).toMatchObject({ failure: null, rowsWritten: 2, rowsDeleted: 3 });
      expect(await wrong(bench, isMany)).toEqual([]);
      const changes = await bench.database.query(
        `SELECT operation, count(*)::int AS rows FROM mirrorverse.changes WHERE operation <> 'b' GROUP BY 1 ORDER BY 1`,
      );
      expect(changes).toEqual([
        { operation: 'c', rows: 1 },
        { operation: 'd', rows: 3 },
        { operation: 'u', rows: 1 },
      ]);
      store.update(TABLE, ids[90] ?? '', { new_count: 2 });
      store.update(TABLE, ids[91] ?? '', { new_count: 99 });
      await bench.sync([TABLE], options);
      expect(await wrong(bench, isMany)).toEqual([]);
    });
  }

  it('a changed filter of rows is a re-baseline, and one that is changed back before it ran is nothing', async () => {
    const { bench, ids } = await open();
    await using _ = bench;
    await bench.sync([TABLE], MANY);
    const [same] = await bench.sync([TABLE], MANY);
    expect(same).toMatchObject({ phase: 'delta', rowsRead: 0 });
    bench.emulator.store.update(TABLE, ids[5] ?? '', { new_count: 50 });
    const [changed] = await bench.sync([TABLE], FEW);
    expect(changed).toMatchObject({ failure: null, rowsRead: 101, rowsDeleted: 40 });
    expect(await wrong(bench, isFew)).toEqual([]);
    const [all] = await bench.sync([TABLE], { pageSize: 40 });
    expect(all).toMatchObject({ failure: null, rowsDeleted: 0 });
    expect(await wrong(bench)).toEqual([]);
    const [none] = await bench.sync([TABLE], { pageSize: 40, rows: 'false' });
    expect(none).toMatchObject({ failure: null, rowsDeleted: 101 });
    const [idle] = await bench.sync([TABLE], { pageSize: 40, rows: 'false' });
    expect(idle).toMatchObject({ failure: null, phase: 'delta', rowsRead: 0 });
  });

  for (const method of ['sweep', 'values'] as const) {
    it(`a verification by ${method} keeps to the filter of rows, and repairs what differs`, async () => {
      const { bench, ids } = await open();
      await using _ = bench;
      const { database } = bench;
      await using session = await bench.session([TABLE], { ...MANY });
      await session.sync();
      const equal = await session.verify(TABLE, method);
      expect(equal).toMatchObject({ differences: 0, unsettled: 0, rows: 50 });
      const [extra, future, missing, stale] = [ids[4], ids[5], ids[80], ids[81]].map((id) => `'${id}'`);
      await database.query(`SET session_replication_role = replica;
        INSERT INTO dataverse.new_part (new_partid, new_count, versionnumber) VALUES (${extra}, 80, 1), (${future}, 80, 999999999);
        DELETE FROM dataverse.new_part WHERE new_partid = ${missing};
        UPDATE dataverse.new_part SET new_count = 3, versionnumber = versionnumber - 1 WHERE new_partid = ${stale};
        RESET session_replication_role`);
      const { differences: found } = await session.verify(TABLE, method);
      expect(found).toBe(4);
      const kinds = (await session.differences(TABLE)).map(({ key, kind }) => [`'${key}'`, kind]);
      expect(new Map(kinds as [string, string][])).toEqual(
        new Map([
          [extra, 'extra'],
          [future, 'extra'],
          [missing, 'missing'],
          [stale, 'stale'],
        ]),
      );
      expect(await session.repair(TABLE)).toBe(4);
      expect(await wrong(bench, isMany)).toEqual([]);
      expect(await session.verify(TABLE, method)).toMatchObject({ differences: 0, unsettled: 0 });
    });
  }

  it('a verification sees no difference in rows on which the filter fails', async () => {
    const { bench, ids } = await open();
    await using _ = bench;
    await using session = await bench.session([TABLE], { rows: '10 / new_count >= 1' });
    const [result] = await session.sync();
    expect(result).toMatchObject({ failure: null, quarantined: 1 });
    expect(await session.verify(TABLE, 'values')).toMatchObject({ differences: 0, unsettled: 0, rows: 10 });
    bench.emulator.store.update(TABLE, ids[7] ?? '', { new_count: 0 });
    expect(await session.verify(TABLE, 'sweep')).toMatchObject({ differences: 0, unsettled: 0 });
  });

  it('a column of the filter that vanishes at the source stops its table with a clear failure, and no other', async () => {
    const { bench } = await open();
    await using _ = bench;
    const { store } = bench.emulator;
    store.addTable(smallTable('new_Other'));
    store.seed('new_other', 5);
    const options = { rows: { [TABLE]: 'new_size < 3' } };
    await bench.sync([TABLE, 'new_other'], options);
    store.removeColumn(TABLE, 'new_size');
    store.seed('new_other', 5);
    const results = await bench.sync([TABLE, 'new_other'], options);
    expect(failures(results)).toEqual({ [TABLE]: 'row-filter-refused' });
    expect(results.find(({ table }) => table === TABLE)?.failure?.message).toContain(
      'has no column new_size',
    );
    expect(await differences(store, bench.database, 'new_other')).toEqual([]);
  });

  it('a snapshot takes a filter of rows in SQL, and each run leaves the rows that match', async () => {
    const { bench, ids } = await open();
    await using _ = bench;
    const options = { ...MANY, mode: 'snapshot' } as const;
    expect(failures(await bench.sync([TABLE], options))).toEqual({});
    expect(await wrong(bench, isMany)).toEqual([]);
    bench.emulator.store.update(TABLE, ids[90] ?? '', { new_count: 1 });
    bench.emulator.store.update(TABLE, ids[9] ?? '', { new_count: 61 });
    const [result] = await bench.sync([TABLE], options);
    expect(result).toMatchObject({ failure: null, rowsWritten: 1, rowsDeleted: 1 });
    expect(await wrong(bench, isMany)).toEqual([]);
    expect(failures(await bench.sync([TABLE], { ...FEW, mode: 'snapshot' }))).toEqual({});
    expect(await wrong(bench, isFew)).toEqual([]);
  });

  it('a filter of rows over a hashed column sees the hash', async () => {
    const { bench } = await open();
    await using _ = bench;
    const options = { columns: { hash: ['new_name'] }, hashKey: 'a key that nobody guesses' };
    await bench.sync([TABLE], { ...options, rows: `new_name = 'part 7' OR length(new_name) = 64` });
    expect(await bench.database.query('SELECT count(*)::int AS rows FROM dataverse.new_part')).toEqual([
      { rows: 101 },
    ]);
  });
});
