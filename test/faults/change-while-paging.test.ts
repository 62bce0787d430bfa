import { describe, expect, it } from 'vitest';
import type { PageInfo } from '../../src/emulator/emulator-settings.ts';
import { differences } from '../support/oracle.ts';
import { failures, SyncBench, type SyncOptions } from '../support/sync.ts';
import { versionsThatWentDown, watchVersions } from '../support/version-journal.ts';

const OPTIONS: SyncOptions = { pageSize: 40 };

/** What nobody documents: which page a link stands for, and whether later pages show later changes. */
const READINGS = (['first-page', 'last-page'] as const).flatMap((tokenFrom) =>
  (['frozen', 'live'] as const).map((pagesSee) => ({ tokenFrom, pagesSee })),
);

/** Changes rows of every kind of place after some pages: on pages read, and on pages yet to be read. */
function changesWhilePaging(
  bench: SyncBench,
  ids: readonly string[],
  isMeant: (page: PageInfo) => boolean,
): void {
  const { store, settings } = bench.emulator;
  let round = 0;
  settings.onPage = (page) => {
    if (!isMeant(page) || round >= 12) return;
    round++;
    const id = (place: number): string => ids[place + round] as string;
    const alive = (place: number): boolean => store.data('account').rows.has(id(place));
    for (const place of [0, 150]) if (alive(place)) store.remove('account', id(place));
    for (const place of [50, 100]) {
      if (alive(place)) store.update('account', id(place), { name: `changed ${round}` });
    }
    // Gone and back, on either side of what has been read.
    for (const place of [25, 170]) {
      if (!alive(place)) continue;
      store.remove('account', id(place));
      store.restore('account', id(place));
    }
    store.insert('account', { name: `new ${round}` });
  };
}

const whileLoading = ({ kind, pageNumber }: PageInfo): boolean => kind === 'baseline' && pageNumber <= 4;
const whileFollowing = ({ kind, pageNumber }: PageInfo): boolean => kind === 'delta' && pageNumber <= 4;

async function isEqual(bench: SyncBench): Promise<void> {
  expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
  expect(await versionsThatWentDown(bench.database)).toEqual([]);
}

/** A table mirrored, its versions watched from then on. */
async function mirrored(bench: SyncBench): Promise<string[]> {
  const ids = bench.emulator.store.seed('account', 200);
  await bench.sync(['account'], OPTIONS);
  await watchVersions(bench.database, 'account', 'accountid');
  return ids;
}

describe('a row that changes while pages are read', () => {
  for (const reading of READINGS) {
    const how = `link of the ${reading.tokenFrom}, ${reading.pagesSee} pages`;

    it(`a row that changes while pages of a baseline are read is in the mirror after one pass: ${how}`, async () => {
      await using bench = await SyncBench.open();
      const { store, settings } = bench.emulator;
      Object.assign(settings, reading);
      changesWhilePaging(bench, store.seed('account', 200), whileLoading);
      expect(failures(await bench.sync(['account'], OPTIONS))).toEqual({});
      expect(await differences(store, bench.database, 'account')).toEqual([]);
    });

    it(`a row that changes while pages of a re-baseline are read is in the mirror after one pass: ${how}`, async () => {
      await using bench = await SyncBench.open();
      const { settings } = bench.emulator;
      Object.assign(settings, reading);
      const ids = await mirrored(bench);
      settings.expireTokens();
      changesWhilePaging(bench, ids, whileLoading);
      expect(failures(await bench.sync(['account'], OPTIONS))).toEqual({});
      await isEqual(bench);
    });

    it(`a row that changes while pages of a delta are read is in the mirror after the next delta: ${how}`, async () => {
      await using bench = await SyncBench.open();
      const { store, settings, requests } = bench.emulator;
      Object.assign(settings, reading);
      const ids = await mirrored(bench);
      for (const delta of [1, 2, 3]) {
        for (const id of ids.slice(0, 190)) {
          if (store.data('account').rows.has(id)) store.update('account', id, { name: `delta ${delta}` });
        }
        changesWhilePaging(bench, ids.slice(delta * 5), whileFollowing);
        expect(failures(await bench.sync(['account'], OPTIONS))).toEqual({});
      }
      settings.onPage = null;
      expect(failures(await bench.sync(['account'], OPTIONS))).toEqual({});
      await isEqual(bench);
      expect(requests.count({ kind: 'baseline' })).toBe(1);
    });

    it(`a row that changes while pages are read of a delta that an earlier process began is in the mirror in the end: ${how}`, async () => {
      await using bench = await SyncBench.open();
      const { store, settings, faults } = bench.emulator;
      Object.assign(settings, reading);
      const ids = await mirrored(bench);
      for (const id of ids.slice(0, 190)) store.update('account', id, { name: 'changed' });
      changesWhilePaging(bench, ids, whileFollowing);
      const fault = faults.add({
        match: { kind: 'next' },
        after: 2,
        do: { status: 403, code: '0x80040220' },
      });
      expect(failures(await bench.sync(['account'], OPTIONS))).toEqual({ account: 'privilege-missing' });
      fault.remove();
      expect(failures(await bench.sync(['account'], OPTIONS))).toEqual({});
      settings.onPage = null;
      expect(failures(await bench.sync(['account'], OPTIONS))).toEqual({});
      await isEqual(bench);
    });
  }
});

describe('a delta of several pages', () => {
  it('a delta of several pages is read twice and no more where its link stands for the last page, however much changes', async () => {
    await using bench = await SyncBench.open();
    const { store, settings, requests } = bench.emulator;
    settings.tokenFrom = 'last-page';
    const ids = await mirrored(bench);
    for (const id of ids) store.update('account', id, { name: 'changed' });
    settings.onPage = () => store.update('account', ids[0] as string, { name: 'changed again' });
    requests.clear();
    expect(failures(await bench.sync(['account'], OPTIONS))).toEqual({});
    expect(bench.dataRequests()).toBe(10);
    settings.onPage = null;
    await bench.sync(['account'], OPTIONS);
    await isEqual(bench);
  });

  it('a delta of several pages is read once where its link stands for the first page, or nothing changed meanwhile', async () => {
    for (const tokenFrom of ['first-page', 'last-page'] as const) {
      await using bench = await SyncBench.open();
      const { store, settings, requests } = bench.emulator;
      settings.tokenFrom = tokenFrom;
      const ids = await mirrored(bench);
      for (const id of ids) store.update('account', id, { name: 'changed' });
      if (tokenFrom === 'first-page') changesWhilePaging(bench, ids, whileFollowing);
      requests.clear();
      expect(failures(await bench.sync(['account'], OPTIONS))).toEqual({});
      expect(bench.dataRequests('account')).toBe(5);
    }
  });

  it('a delta of several pages is followed from its start when its process ends during the second reading', async () => {
    await using bench = await SyncBench.open();
    const { store, settings, faults, requests } = bench.emulator;
    settings.tokenFrom = 'last-page';
    const ids = await mirrored(bench);
    for (const id of ids) store.update('account', id, { name: 'changed' });
    changesWhilePaging(bench, ids, whileFollowing);
    const issued = 'SELECT link_issued_at AS at FROM mirrorverse.tables';
    const before = await bench.database.query(issued);
    const fault = faults.add({ match: { kind: 'delta' }, after: 1, do: { status: 403, code: '0x80040220' } });
    expect(failures(await bench.sync(['account'], OPTIONS))).toEqual({ account: 'privilege-missing' });
    fault.remove();
    const kinds = 'SELECT link_kind AS kind FROM mirrorverse.tables';
    expect(await bench.database.query(kinds)).toEqual([{ kind: 'delta' }]);
    expect(await bench.database.query(issued)).toEqual(before);
    expect(failures(await bench.sync(['account'], OPTIONS))).toEqual({});
    settings.onPage = null;
    await bench.sync(['account'], OPTIONS);
    await isEqual(bench);
    expect(requests.count({ kind: 'baseline' })).toBe(1);
  });
});

describe('a load', () => {
  it('a load is read once where its link stands for the first page', async () => {
    await using bench = await SyncBench.open();
    changesWhilePaging(bench, bench.emulator.store.seed('account', 200), whileLoading);
    await bench.sync(['account'], OPTIONS);
    expect(bench.emulator.requests.count({ kind: 'baseline' })).toBe(1);
  });

  it('a load is read once where nothing changed meanwhile', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.settings.tokenFrom = 'last-page';
    bench.emulator.store.seed('account', 200);
    await bench.sync(['account'], OPTIONS);
    expect(bench.emulator.requests.count({ kind: 'baseline' })).toBe(1);
  });
});
