import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Places } from '../../src/timing/places.ts';
import type { PageInfo } from '../../src/emulator/emulator-settings.ts';
import { openBench } from '../support/bench.ts';
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
    it(`an expired delta link answered with ${status} is healed in one pass, deletes in the gap included`, async () => {
      await using bench = await SyncBench.open();
      bench.emulator.settings.expiredTokenStatus = status;
      await expired(bench);
      expect(failures(await bench.sync(['account'], { pageSize: 20 }))).toEqual({});
      expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
    });
  }

  it('an expired delta link waits for a place as every load does, and is not followed meanwhile', async () => {
    await using bench = await SyncBench.open();
    await expired(bench);
    const loads = new Places(1);
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

  it('an expired delta link answered with 404 is healed too', async () => {
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

  it('a delta link older than the environment keeps its changes is healed too', async () => {
    const clock = { now: Date.now() };
    await using bench = await SyncBench.open({ now: () => clock.now });
    const { store } = bench.emulator;
    const ids = store.seed('account', 60);
    await bench.sync(['account'], { pageSize: 20 });
    clock.now += 8 * 86_400_000;
    for (const id of ids.slice(0, 10)) store.remove('account', id);
    store.seed('account', 5);
    expect(failures(await bench.sync(['account'], { pageSize: 20 }))).toEqual({});
    expect(bench.emulator.requests.count({ kind: 'baseline' })).toBe(2);
    expect(await differences(store, bench.database, 'account')).toEqual([]);
  });

  it('an expired delta link does not make unchanged rows be written again', async () => {
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

  it('an expired delta link never shows readers an emptied table, nor one without a row that lives', async () => {
    await using bench = await SyncBench.open();
    const ids = await expired(bench);
    bench.emulator.faults.add({ match: { kind: 'next' }, do: { delayMs: 50 } });
    const lasting = ids.slice(10);
    const samples: number[] = [];
    const ended = new AbortController();
    const sample = async (): Promise<void> => {
      while (!ended.signal.aborted) {
        const [row] = await bench.database.query<{ rows: number }>(
          'SELECT count(*)::int AS rows FROM dataverse.account WHERE accountid = ANY ($1)',
          [lasting],
        );
        samples.push(row?.rows ?? 0);
        await delay(2);
      }
    };
    const reader = sample();
    await bench.sync(['account'], { pageSize: 10 });
    ended.abort();
    await reader;
    expect(samples.length).toBeGreaterThan(10);
    expect(new Set(samples)).toEqual(new Set([lasting.length]));
  });

  it('an expired delta link leaves nothing behind in the state schema once it is healed', async () => {
    await using bench = await SyncBench.open();
    const tables = `SELECT relname FROM pg_class WHERE relnamespace = 'mirrorverse'::regnamespace AND relkind = 'r' ORDER BY 1`;
    bench.emulator.store.seed('account', 5);
    await bench.sync(['account']);
    const before = await bench.database.query(tables);
    bench.emulator.settings.expireTokens();
    await bench.sync(['account']);
    expect(await bench.database.query(tables)).toEqual(before);
  });

  it('an expired link in the middle of a baseline begins the baseline again', async () => {
    await using bench = await SyncBench.open();
    const { store, faults } = bench.emulator;
    store.seed('account', 60);
    faults.add({ match: { kind: 'next' }, after: 2, times: 1, do: { status: 400, code: '0x80044352' } });
    expect(failures(await bench.sync(['account'], { pageSize: 10 }))).toEqual({});
    expect(await differences(store, bench.database, 'account')).toEqual([]);
  });

  it('a link that keeps expiring stops the table after a bounded number of tries', async () => {
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

describe('a process killed during a re-baseline', () => {
  const moments: Readonly<Record<string, (page: PageInfo) => boolean>> = {
    'in the middle of the load': ({ kind, pageNumber }) => kind === 'baseline' && pageNumber === 3,
    'before the first page of its first delta': ({ kind, pageNumber }) =>
      kind === 'delta' && pageNumber === 1,
    'in the middle of its first delta': ({ kind, pageNumber }) => kind === 'delta' && pageNumber === 2,
  };
  for (const [moment, isDue] of Object.entries(moments)) {
    it(`a process killed ${moment} is followed by one that ends the re-baseline, deletions included`, async () => {
      await using bench = await openBench(['account'], {
        MIRRORVERSE_LEASE: '1s',
        MIRRORVERSE_PAGE_SIZE: '20',
      });
      const { emulator, cli, database } = bench;
      const { store, settings } = emulator;
      const ids = store.seed('account', 100);
      expect((await cli.run(['sync'])).status).toBe(0);
      for (const id of ids.slice(0, 15)) store.remove('account', id);
      settings.expireTokens();
      const doomed = cli.start(['sync']);
      let changed = false;
      settings.onPage = async (page) => {
        // So that the first delta has several pages.
        if (!changed) for (const id of ids.slice(20, 50)) store.update('account', id, { name: 'meanwhile' });
        changed = true;
        if (isDue(page)) {
          doomed.child.kill('SIGKILL');
          await doomed.ended;
        }
      };
      expect((await doomed.ended).signal).toBe('SIGKILL');
      settings.onPage = null;
      const [state] = await database.query('SELECT phase FROM mirrorverse.tables');
      expect(state).toEqual({ phase: 'rebaseline' });
      // What was there stays until the sweep.
      const kept = 'SELECT FROM dataverse.account WHERE accountid = ANY ($1)';
      expect(await database.query(kept, [ids])).toHaveLength(100);
      emulator.requests.clear();
      expect((await cli.run(['sync'])).status).toBe(0);
      expect(emulator.requests.count({ kind: 'baseline' })).toBe(0);
      expect(await differences(store, database, 'account')).toEqual([]);
    }, 60_000);
  }
});

/** A load is broken off after its second page; then days pass for the database's clock. */
async function interrupted(bench: SyncBench, days: number): Promise<void> {
  const ids = bench.emulator.store.seed('account', 60);
  const stop = new AbortController();
  const onPage = ({ pages }: { pages: number }): void => {
    if (pages === 2) stop.abort(new Error('everything stops'));
  };
  await bench.sync(['account'], { pageSize: 10 }, { onPage }, stop.signal).catch(() => undefined);
  await bench.database.query(
    `UPDATE mirrorverse.tables SET link_issued_at = link_issued_at - make_interval(days => $1)`,
    [days],
  );
  // Of rows that were read already; that they are gone will be forgotten.
  for (const id of ids.slice(0, 5)) bench.emulator.store.remove('account', id);
}

describe('pages that were under way when everything stopped', () => {
  it('pages that were under way are continued while deletions since their beginning are still known', async () => {
    await using bench = await SyncBench.open();
    await interrupted(bench, 6);
    const before = bench.emulator.requests.count({ kind: 'baseline' });
    expect(failures(await bench.sync(['account'], { pageSize: 10 }))).toEqual({});
    expect(bench.emulator.requests.count({ kind: 'baseline' })).toBe(before);
    expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
  });

  it('pages that were under way are read from the beginning where those deletions are forgotten, although their links still work', async () => {
    await using bench = await SyncBench.open();
    await interrupted(bench, 8);
    bench.emulator.store.purgeTombstones();
    expect(failures(await bench.sync(['account'], { pageSize: 10 }))).toEqual({});
    expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
  });

  it('pages that were under way are read from the beginning where a look said that deletions are forgotten earlier now', async () => {
    await using bench = await SyncBench.open();
    await interrupted(bench, 4);
    await using session = await bench.session(['account'], { pageSize: 10 });
    bench.emulator.settings.expireChangeTrackingInDays = 3;
    await session.look();
    const before = bench.emulator.requests.count({ kind: 'baseline' });
    expect(failures(await session.sync())).toEqual({});
    expect(bench.emulator.requests.count({ kind: 'baseline' })).toBe(before + 1);
    expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
  });
});
