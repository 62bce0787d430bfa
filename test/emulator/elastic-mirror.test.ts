import { describe, expect, it } from 'vitest';
import { telemetry } from '../../src/emulator/tables/telemetry.ts';
import type { DataverseStore } from '../../src/emulator/store/dataverse-store.ts';
import { failures, SyncBench, type SyncOptions } from '../support/sync.ts';

const TABLE = 'new_telemetry';

/** What the mirror has of each row, each as JSON. */
async function mirrored(bench: SyncBench): Promise<string[]> {
  const rows = await bench.database.query(
    'SELECT new_telemetryid::text AS id, partitionid, new_name FROM dataverse.new_telemetry',
  );
  return rows.map((row) => JSON.stringify([row['id'], row['partitionid'], row['new_name']])).toSorted();
}

function truth(store: DataverseStore): string[] {
  return Array.from(store.rows(TABLE), ({ id, values }) =>
    JSON.stringify([id, values.get('partitionid') ?? null, values.get('new_name') ?? null]),
  ).toSorted();
}

async function opened(): Promise<SyncBench> {
  const bench = await SyncBench.open();
  bench.emulator.store.addTable(telemetry);
  return bench;
}

async function pass(bench: SyncBench, options: SyncOptions = {}): Promise<void> {
  expect(failures(await bench.sync([TABLE], options))).toEqual({});
  expect(await mirrored(bench)).toEqual(truth(bench.emulator.store));
}

describe('the mirror of an elastic table', () => {
  it('the mirror of an elastic table equals it, with one id in several partitions, some of them deleted and restored', async () => {
    await using bench = await opened();
    const { store } = bench.emulator;
    const id = store.insert(TABLE, { partitionid: 'a', new_name: 'one' });
    for (const partitionid of ['b', 'c', "d'e & f"]) {
      store.insert(TABLE, { partitionid, new_name: partitionid }, id);
    }
    const alone = store.insert(TABLE, { new_name: 'without a partition' });
    await pass(bench);

    store.remove(TABLE, id, 'b');
    store.remove(TABLE, alone);
    bench.emulator.requests.clear();
    await pass(bench);
    // Which of them is meant has to be read, of all of them at once.
    expect(bench.dataRequests(TABLE)).toBe(2);

    store.remove(TABLE, id, "d'e & f");
    store.restore(TABLE, id, 'b');
    store.update(TABLE, id, { new_name: 'changed' }, 'c');
    await pass(bench);
    store.remove(TABLE, id, 'a');
    store.remove(TABLE, id, 'b');
    store.remove(TABLE, id, 'c');
    await pass(bench);
  });

  it('the mirror of an elastic table keeps the only row it knows of an id when one of another partition came and went', async () => {
    await using bench = await opened();
    const { store } = bench.emulator;
    const id = store.insert(TABLE, { partitionid: 'a', new_name: 'stays' });
    await pass(bench);
    store.insert(TABLE, { partitionid: 'b', new_name: 'short' }, id);
    store.remove(TABLE, id, 'b');
    await pass(bench);
    expect(await mirrored(bench)).toHaveLength(1);
  });

  it('the mirror of an elastic table reads rows whose tombstones are doubtful many to a request, and one by one where the source cannot', async () => {
    await using bench = await opened();
    const { store, faults } = bench.emulator;
    const ids = store.seed(TABLE, 1_200);
    const partitions = new Map(
      Array.from(store.rows(TABLE), ({ id, values }) => [id, values.get('partitionid') as string | null]),
    );
    const remove = (id: string): void => store.remove(TABLE, id, partitions.get(id));
    await pass(bench);
    for (const id of ids.slice(0, 1_000)) remove(id);
    bench.emulator.requests.clear();
    await pass(bench);
    expect(bench.dataRequests(TABLE)).toBeLessThanOrEqual(1 + 1_000 / 100);

    const others = ids.slice(1_000);
    for (const id of others.slice(0, 20)) remove(id);
    const refused = faults.add({ match: { kind: 'list' }, do: { status: 501 } });
    await pass(bench);
    refused.remove();

    // Rows that nobody asked for: the filter was not applied, and what is missing is not gone.
    const [removed, stays] = others.slice(20);
    const other = store.insert(TABLE, { partitionid: 'short', new_name: 'short' }, stays);
    store.remove(TABLE, other, 'short');
    remove(removed ?? '');
    const unfiltered = faults.add({
      match: { kind: 'list' },
      do: { transform: (json) => ({ ...(json as object), value: [{ new_telemetryid: ids[0] }] }) },
    });
    await pass(bench);
    expect(unfiltered.hits).toBeGreaterThan(0);
  });

  it('the mirror of an elastic table deletes nothing on the word of an answer that is not whole', async () => {
    await using bench = await opened();
    const { store, faults } = bench.emulator;
    const ids = store.seed(TABLE, 6);
    await pass(bench);
    for (const id of ids) {
      store.insert(TABLE, { partitionid: 'short', new_name: 'short' }, id);
      store.remove(TABLE, id, 'short');
    }
    // Its first page has none of the rows, its second does not come.
    const link = `${bench.url}/api/data/v9.2/new_telemetries?$skiptoken=lost`;
    const cut = faults.add({
      match: { kind: 'list', path: 'PropertyValues' },
      do: { transform: (json) => ({ ...(json as object), value: [], '@odata.nextLink': link }) },
    });
    const lost = faults.add({ match: { path: 'skiptoken=lost' }, do: { status: 403 } });
    expect(failures(await bench.sync([TABLE]))).toEqual({ [TABLE]: 'privilege-missing' });
    expect([cut.hits, lost.hits]).toEqual([1, 1]);
    expect(await mirrored(bench)).toHaveLength(6);
    cut.remove();
    lost.remove();
    await pass(bench);
    expect(await mirrored(bench)).toHaveLength(6);
  });

  it('the mirror of an elastic table equals it after a re-baseline, and keeps unchanged rows where they are', async () => {
    await using bench = await opened();
    const { store } = bench.emulator;
    store.seed(TABLE, 40);
    const id = store.insert(TABLE, { partitionid: 'a', new_name: 'one' });
    store.insert(TABLE, { partitionid: 'b', new_name: 'two' }, id);
    await pass(bench, { pageSize: 10 });
    const places = 'SELECT ctid::text, xmin::text FROM dataverse.new_telemetry ORDER BY 1';
    const before = await bench.database.query(places);
    expect(failures(await bench.sync([TABLE], { pageSize: 10 }, { restart: true }))).toEqual({});
    expect(await bench.database.query(places)).toEqual(before);
    store.remove(TABLE, id, 'a');
    store.update(TABLE, id, { new_name: 'three' }, 'b');
    expect(failures(await bench.sync([TABLE], { pageSize: 10 }, { restart: true }))).toEqual({});
    expect(await mirrored(bench)).toEqual(truth(store));
  });
});
