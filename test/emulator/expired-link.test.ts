import { describe, expect, it } from 'vitest';
import { LoadPlaces } from '../../src/sync/load-places.ts';
import { differences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';

/** A table mirrored, then changed in every way while its link expires and its delete log is purged. */
async function expired(bench: SyncBench): Promise<string[]> {
  const { store, settings } = bench.emulator;
  const ids = store.seed('account', 60);
  await bench.sync(['account'], { pageSize: 20 });
  for (const id of ids.slice(0, 10)) store.remove('account', id);
  for (const id of ids.slice(10, 20)) store.update('account', id, { name: 'changed in the gap' });
  store.seed('account', 5);
  settings.expireTokens();
  return ids;
}

describe('an expired delta link', () => {
  for (const status of [400, 410] as const) {
    it(`answered with ${status} is healed in one pass, deletes in the gap included`, async () => {
      await using bench = await SyncBench.open();
      bench.emulator.settings.expiredTokenStatus = status;
      await expired(bench);
      expect(failures(await bench.sync(['account'], { pageSize: 20 }))).toEqual({});
      expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
    });
  }

  it('waits for a place as every load does, and is not followed meanwhile', async () => {
    await using bench = await SyncBench.open();
    await expired(bench);
    const loads = new LoadPlaces(1);
    const leave = loads.take();
    const options = { pageSize: 20, loads };
    expect(await bench.sync(['account'], options)).toMatchObject([{ deferred: true, failure: null }]);
    const requests = bench.dataRequests();
    expect(await bench.sync(['account'], options)).toMatchObject([{ deferred: true, failure: null }]);
    expect(bench.dataRequests()).toBe(requests);
    leave?.();
    expect(await bench.sync(['account'], options)).toMatchObject([{ deferred: false, failure: null }]);
    expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
    expect(loads.take()).not.toBeNull();
  });

  it('answered with 404 is healed too', async () => {
    await using bench = await SyncBench.open();
    await expired(bench);
    bench.emulator.faults.add({
      match: { kind: 'delta' },
      times: 1,
      do: { status: 404, code: '0x80060888' },
    });
    expect(failures(await bench.sync(['account'], { pageSize: 20 }))).toEqual({});
    expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
  });

  it('does not make unchanged rows be written again', async () => {
    await using bench = await SyncBench.open();
    const ids = await expired(bench);
    const unchanged = ids.slice(20);
    const places =
      'SELECT ctid::text, xmin::text, xmax::text FROM dataverse.account WHERE accountid = ANY ($1) ORDER BY 1';
    const before = await bench.database.query(places, [unchanged]);
    await bench.sync(['account'], { pageSize: 20 });
    expect(before).toHaveLength(40);
    expect(await bench.database.query(places, [unchanged])).toEqual(before);
  });

  it('never shows readers an emptied table', async () => {
    await using bench = await SyncBench.open();
    await expired(bench);
    const counts: number[] = [];
    bench.emulator.settings.onPage = async () => {
      const [row] = await bench.database.query<{ rows: number }>(
        'SELECT count(*)::int AS rows FROM dataverse.account',
      );
      counts.push(row?.rows ?? 0);
    };
    await bench.sync(['account'], { pageSize: 20 });
    expect(counts.length).toBeGreaterThan(3);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(55);
  });

  it('leaves nothing behind in the state schema once it is healed', async () => {
    await using bench = await SyncBench.open();
    const tables = `SELECT relname FROM pg_class WHERE relnamespace = 'mirrorverse'::regnamespace AND relkind = 'r' ORDER BY 1`;
    bench.emulator.store.seed('account', 5);
    await bench.sync(['account']);
    const before = await bench.database.query(tables);
    bench.emulator.settings.expireTokens();
    await bench.sync(['account']);
    expect(await bench.database.query(tables)).toEqual(before);
  });

  it('in the middle of a baseline begins it again', async () => {
    await using bench = await SyncBench.open();
    const { store, faults } = bench.emulator;
    store.seed('account', 60);
    faults.add({ match: { kind: 'next' }, after: 2, times: 1, do: { status: 400, code: '0x80044352' } });
    expect(failures(await bench.sync(['account'], { pageSize: 10 }))).toEqual({});
    expect(await differences(store, bench.database, 'account')).toEqual([]);
  });

  it('that keeps expiring stops after a bounded number of tries', async () => {
    await using bench = await SyncBench.open();
    const { store, faults } = bench.emulator;
    store.seed('account', 60);
    faults.add({ match: { kind: 'next' }, do: { status: 400, code: '0x80044352' } });
    expect(failures(await bench.sync(['account'], { pageSize: 10 }))).toEqual({
      account: 'link-keeps-expiring',
    });
    expect(bench.dataRequests()).toBeLessThan(10);
  });
});
