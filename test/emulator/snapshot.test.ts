import { describe, expect, it } from 'vitest';
import { Churn } from '../../src/emulator/demo/churn.ts';
import { decimal, integer, text } from '../../src/emulator/table-parts/column-kinds.ts';
import { primaryId } from '../../src/emulator/table-parts/standard-columns.ts';
import { telemetry } from '../../src/emulator/tables/telemetry.ts';
import { Random } from '../../src/emulator/seeding/random.ts';
import { differences } from '../support/oracle.ts';
import { smallTable } from '../support/small-table.ts';
import { failures, SyncBench, type SyncOptions } from '../support/sync.ts';

const SNAPSHOT: SyncOptions = { mode: 'snapshot', pageSize: 20 };

/** A table without row versions whose calculated columns are too many for one request. */
const UNVERSIONED = smallTable('new_Unversioned', {
  changeTrackingEnabled: false,
  canChangeTrackingBeEnabled: false,
  columns: [
    primaryId('new_UnversionedId', ['Unversioned', 'Unversioned']),
    text('new_Name', ['Name', 'Name'], 100, { isPrimaryName: true }),
    integer('new_Count', ['Count', 'Count']),
    ...Array.from({ length: 5 }, (_, at) =>
      decimal(`new_Calculated${at}`, ['Calculated', 'Calculated'], 4, { sourceType: 1 }),
    ),
  ],
});

async function open(): Promise<SyncBench> {
  const bench = await SyncBench.open();
  bench.emulator.store.addTable(UNVERSIONED);
  return bench;
}

async function equal(bench: SyncBench, table: string): Promise<void> {
  expect(await differences(bench.emulator.store, bench.database, table)).toEqual([]);
}

function places(bench: SyncBench, table: string): Promise<unknown[]> {
  return bench.database.query(
    `SELECT ctid::text, xmin::text, xmax::text FROM dataverse."${table}" ORDER BY 1`,
  );
}

const COUNT = 'SELECT count(*)::int AS rows FROM dataverse.new_untracked';
const STATE = 'SELECT phase, link, link_issued_at, selection IS NULL AS unselected FROM mirrorverse.tables';

describe('a snapshot', () => {
  for (const table of ['aaduser', 'new_untracked', 'new_unversioned']) {
    it(`a snapshot of ${table} equals the source after every run, whatever changed`, async () => {
      await using bench = await open();
      const { store, settings } = bench.emulator;
      settings.maxCalculatedFields = 2;
      store.seed(table, 70);
      expect(failures(await bench.sync([table], SNAPSHOT))).toEqual({});
      await equal(bench, table);
      const churn = new Churn(store, new Random(5), [table]);
      for (let round = 0; round < 3; round++) {
        for (let step = 0; step < 40; step++) churn.step();
        expect(failures(await bench.sync([table], SNAPSHOT))).toEqual({});
        await equal(bench, table);
      }
    });

    it(`a snapshot of ${table} over unchanged rows rewrites none of them`, async () => {
      await using bench = await open();
      const { store } = bench.emulator;
      const [id = ''] = store.seed(table, 50);
      await bench.sync([table], SNAPSHOT);
      const before = await places(bench, table);
      const [again] = await bench.sync([table], SNAPSHOT);
      expect(again).toMatchObject({ phase: 'rebaseline', rowsRead: 50, rowsWritten: 0, rowsDeleted: 0 });
      expect(await places(bench, table)).toEqual(before);
      const name = table === 'aaduser' ? 'displayname' : 'new_name';
      store.update(table, id, { [name]: 'changed' });
      const [changed] = await bench.sync([table], SNAPSHOT);
      expect(changed).toMatchObject({ rowsWritten: 1, rowsDeleted: 0 });
      await equal(bench, table);
    });
  }

  it('a snapshot costs its pages, and asks for no change tracking', async () => {
    await using bench = await open();
    bench.emulator.store.seed('new_untracked', 50);
    await bench.sync(['new_untracked'], SNAPSHOT);
    bench.emulator.requests.clear();
    await bench.sync(['new_untracked'], SNAPSHOT);
    expect(bench.dataRequests('new_untracked')).toBe(3);
    const [first, ...others] = bench.emulator.requests
      .find({ table: 'new_untracked', status: 200 })
      .filter(({ path }) => path.endsWith('/new_untrackedes'));
    expect(decodeURIComponent(first?.url ?? '')).toMatch(
      /\/new_untrackedes\?\$select=new_untrackedid,[^&]*&\$orderby=new_untrackedid asc$/,
    );
    for (const { headers } of [first, ...others].flatMap((entry) => entry ?? [])) {
      expect(headers['prefer']).toMatch(/^odata\.maxpagesize=20,/);
    }
  });

  it('a snapshot that was interrupted begins again, and finds what changed behind the point where it stopped', async () => {
    await using bench = await open();
    const { store } = bench.emulator;
    const ids = store.seed('new_untracked', 100);
    await bench.sync(['new_untracked'], SNAPSHOT);
    const stop = new AbortController();
    store.update('new_untracked', ids[90] ?? '', { new_name: 'before' });
    const interrupted = bench.sync(
      ['new_untracked'],
      SNAPSHOT,
      { onPage: ({ pages }) => pages === 3 && stop.abort(new Error('stopped')) },
      stop.signal,
    );
    await expect(interrupted).rejects.toThrow('stopped');
    expect(await bench.database.query(STATE)).toEqual([
      { phase: 'rebaseline', link: null, link_issued_at: null, unselected: true },
    ]);
    for (const id of ids.slice(0, 40)) store.remove('new_untracked', id);
    for (const id of ids.slice(40, 60)) store.update('new_untracked', id, { new_name: 'after' });
    const [result] = await bench.sync(['new_untracked'], SNAPSHOT);
    expect(result).toMatchObject({ failure: null, phase: 'rebaseline', rowsDeleted: 40 });
    await equal(bench, 'new_untracked');
  });

  it('a snapshot that was interrupted in its first load begins over the rows that are there', async () => {
    await using bench = await open();
    const { store } = bench.emulator;
    store.seed('aaduser', 60);
    const stop = new AbortController();
    const onPage = (): void => stop.abort(new Error('stopped'));
    await expect(bench.sync(['aaduser'], SNAPSHOT, { onPage }, stop.signal)).rejects.toThrow('stopped');
    const kept = await bench.database.query<{ id: string }>(
      'SELECT aaduserid::text AS id FROM dataverse.aaduser',
    );
    expect(kept.length % 60).toBeGreaterThan(0);
    store.remove('aaduser', kept[0]?.id ?? '');
    const [result] = await bench.sync(['aaduser'], SNAPSHOT);
    expect(result).toMatchObject({ failure: null, phase: 'rebaseline', rowsDeleted: 1 });
    await equal(bench, 'aaduser');
  });

  it('a snapshot deletes with its last page and no sooner', async () => {
    await using bench = await open();
    const { store, settings } = bench.emulator;
    const ids = store.seed('new_untracked', 60);
    await bench.sync(['new_untracked'], SNAPSHOT);
    for (const id of ids.slice(0, 30)) store.remove('new_untracked', id);
    store.seed('new_untracked', 20);
    let rowsBeforeLastPage = 0;
    settings.onPage = async ({ pageNumber }) => {
      if (pageNumber !== 3) return;
      const [count] = await bench.database.query<{ rows: number }>(COUNT);
      rowsBeforeLastPage = count?.rows ?? 0;
    };
    await bench.sync(['new_untracked'], SNAPSHOT);
    expect(rowsBeforeLastPage).toBeGreaterThanOrEqual(60);
    await equal(bench, 'new_untracked');
  });

  it('a snapshot of a source that is empty now leaves an empty mirror', async () => {
    await using bench = await open();
    const { store } = bench.emulator;
    const ids = store.seed('aaduser', 5);
    await bench.sync(['aaduser'], SNAPSHOT);
    for (const id of ids) store.remove('aaduser', id);
    const [result] = await bench.sync(['aaduser'], SNAPSHOT);
    expect(result).toMatchObject({ failure: null, rowsDeleted: 5 });
    await equal(bench, 'aaduser');
  });

  it('a snapshot marks what is gone where deletes are soft, and takes the mark back when the row returns', async () => {
    await using bench = await open();
    const { store } = bench.emulator;
    const [id = ''] = store.seed('new_untracked', 30);
    const options = { ...SNAPSHOT, softDeletes: true };
    await bench.sync(['new_untracked'], options);
    store.remove('new_untracked', id);
    await bench.sync(['new_untracked'], options);
    const marked =
      'SELECT new_untrackedid::text AS id FROM dataverse.new_untracked WHERE _deleted_at IS NOT NULL';
    expect(await bench.database.query(marked)).toEqual([{ id }]);
    store.restore('new_untracked', id);
    await bench.sync(['new_untracked'], options);
    expect(await bench.database.query(marked)).toEqual([]);
    await equal(bench, 'new_untracked');
  });

  it('a snapshot keeps a row that cannot be stored any more, and has it in quarantine', async () => {
    await using bench = await open();
    const { store } = bench.emulator;
    const [id = ''] = store.seed('new_untracked', 30);
    await bench.sync(['new_untracked'], SNAPSHOT);
    store.update('new_untracked', id, { new_name: 'a\0b' });
    const [bad] = await bench.sync(['new_untracked'], SNAPSHOT);
    expect(bad).toMatchObject({ failure: null, rowsDeleted: 0, quarantined: 1 });
    store.update('new_untracked', id, { new_name: 'ab' });
    const [good] = await bench.sync(['new_untracked'], SNAPSHOT);
    expect(good).toMatchObject({ failure: null, rowsWritten: 1, quarantined: 0 });
    await equal(bench, 'new_untracked');
  });

  it('a snapshot begins again where one of its links is refused, and gives up where all of them are', async () => {
    await using bench = await open();
    const { store, faults } = bench.emulator;
    store.seed('new_untracked', 60);
    const refusal = {
      match: { path: '$skiptoken' },
      do: { status: 400, code: '0x80041129', message: 'cookie' },
    };
    faults.add({ ...refusal, after: 1, times: 1 });
    expect(failures(await bench.sync(['new_untracked'], SNAPSHOT))).toEqual({});
    await equal(bench, 'new_untracked');
    faults.add(refusal);
    bench.emulator.requests.clear();
    expect(failures(await bench.sync(['new_untracked'], SNAPSHOT))).toEqual({
      new_untracked: 'link-keeps-expiring',
    });
    expect(bench.dataRequests('new_untracked')).toBe(6);
  });

  it('a snapshot tells the rows of an elastic table apart by id and partition', async () => {
    await using bench = await open();
    const { store } = bench.emulator;
    store.addTable(telemetry);
    const id = '5b1f9a2e-0c1d-4e3f-8a4b-1c2d3e4f5a6b';
    store.seed('new_telemetry', 30);
    for (const partitionid of ['a', 'b', null]) store.insert('new_telemetry', { partitionid }, id);
    expect(failures(await bench.sync(['new_telemetry'], { ...SNAPSHOT, pageSize: 2 }))).toEqual({});
    const mirrored = (): Promise<unknown[]> =>
      bench.database.query(
        'SELECT partitionid, new_name FROM dataverse.new_telemetry WHERE new_telemetryid = $1 ORDER BY 1',
        [id],
      );
    expect(await mirrored()).toHaveLength(3);
    store.remove('new_telemetry', id, 'a');
    store.update('new_telemetry', id, { new_name: 'changed' }, 'b');
    const [result] = await bench.sync(['new_telemetry'], { ...SNAPSHOT, pageSize: 2 });
    expect(result).toMatchObject({ failure: null, rowsWritten: 1, rowsDeleted: 1 });
    expect(await mirrored()).toEqual([
      { partitionid: 'b', new_name: 'changed' },
      { partitionid: null, new_name: null },
    ]);
  });
});

describe('a table whose mode changes', () => {
  it('a table whose mode changes from changes to snapshot and back is equal each time', async () => {
    await using bench = await open();
    const { store } = bench.emulator;
    store.seed('account', 60);
    const churn = new Churn(store, new Random(6), ['account']);
    for (const mode of ['changes', 'snapshot', 'changes', 'snapshot'] as const) {
      for (let step = 0; step < 30; step++) churn.step();
      const [result] = await bench.sync(['account'], { ...SNAPSHOT, mode });
      expect(result?.failure).toBeNull();
      await equal(bench, 'account');
      const [state] = await bench.database.query<{ phase: string; link: string | null }>(STATE);
      expect([state?.phase, state?.link?.includes('deltatoken') ?? null]).toEqual([
        'delta',
        mode === 'changes' ? true : null,
      ]);
    }
  });

  it('a table whose mode changes after an interrupted snapshot is re-baselined, without the rows that were deleted meanwhile', async () => {
    await using bench = await open();
    const { store } = bench.emulator;
    store.seed('account', 60);
    const stop = new AbortController();
    const onPage = (): void => stop.abort(new Error('stopped'));
    await expect(bench.sync(['account'], SNAPSHOT, { onPage }, stop.signal)).rejects.toThrow('stopped');
    const [row] = await bench.database.query<{ id: string }>(
      'SELECT accountid::text AS id FROM dataverse.account',
    );
    store.remove('account', row?.id ?? '');
    const [result] = await bench.sync(['account'], { pageSize: 20 });
    expect(result).toMatchObject({ failure: null, phase: 'rebaseline', rowsDeleted: 1 });
    await equal(bench, 'account');
  });
});
