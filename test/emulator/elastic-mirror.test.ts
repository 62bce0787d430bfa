import { describe, expect, it } from 'vitest';
import { telemetry } from '../../src/emulator/model/telemetry.ts';
import type { DataverseStore } from '../../src/emulator/dataverse-store.ts';
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
  it('equals it, with one id in several partitions, some of them deleted and restored', async () => {
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
    // Which of them is meant has to be read.
    expect(bench.emulator.requests.count({ kind: 'row', table: TABLE })).toBe(5);

    store.remove(TABLE, id, "d'e & f");
    store.restore(TABLE, id, 'b');
    store.update(TABLE, id, { new_name: 'changed' }, 'c');
    await pass(bench);
    store.remove(TABLE, id, 'a');
    store.remove(TABLE, id, 'b');
    store.remove(TABLE, id, 'c');
    await pass(bench);
  });

  it('keeps the only row it knows of an id when one of another partition came and went', async () => {
    await using bench = await opened();
    const { store } = bench.emulator;
    const id = store.insert(TABLE, { partitionid: 'a', new_name: 'stays' });
    await pass(bench);
    store.insert(TABLE, { partitionid: 'b', new_name: 'short' }, id);
    store.remove(TABLE, id, 'b');
    await pass(bench);
    expect(await mirrored(bench)).toHaveLength(1);
  });

  it('equals it after a re-baseline, and keeps unchanged rows where they are', async () => {
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
