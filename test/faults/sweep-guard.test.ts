import { describe, expect, it } from 'vitest';
import { telemetry } from '../../src/emulator/tables/telemetry.ts';
import { differences } from '../support/oracle.ts';
import { failures, SyncBench, type SyncOptions } from '../support/sync.ts';

const PAGES: SyncOptions = { pageSize: 500, sweep: { maxShare: 0.2, atLeast: 20 } };
const REFUSED = { account: 'sweep-refused' };

/** A mirrored table of a hundred rows. */
async function mirrored(bench: SyncBench, options: SyncOptions = {}): Promise<string[]> {
  const ids = bench.emulator.store.seed('account', 100);
  expect(await codes(bench, options)).toEqual({});
  return ids;
}

async function codes(bench: SyncBench, options: SyncOptions = {}): Promise<Record<string, string>> {
  return failures(await bench.sync(['account'], { ...PAGES, ...options }));
}

/** A security role keeps rows from the caller from now on, and the next run loads the table anew. */
function hide(bench: SyncBench, ids: readonly string[], status: 403 | 404 = 403): void {
  const hidden = new Set(ids);
  const { settings } = bench.emulator;
  settings.hiddenRows.set('account', (id) => hidden.has(id));
  settings.hiddenRowStatus = status;
  settings.expireTokens();
}

/** Many rows are deleted while nobody looks, and the delete log is purged. */
function removeUnseen(bench: SyncBench, ids: readonly string[]): void {
  for (const id of ids) bench.emulator.store.remove('account', id);
  bench.emulator.settings.expireTokens();
}

async function count(bench: SyncBench, where = 'true'): Promise<number> {
  const [row] = await bench.database.query<{ rows: number }>(
    `SELECT count(*)::int AS rows FROM dataverse.account WHERE ${where}`,
  );
  return row?.rows ?? 0;
}

async function state(bench: SyncBench): Promise<Record<string, unknown> | undefined> {
  const [row] = await bench.database.query(
    `SELECT phase, catching_up, link_kind, unseen_rows::int, sweep_allowed FROM mirrorverse.tables WHERE "table" = 'account'`,
  );
  return row;
}

/** What `plan --apply` does once the mirror table fits. */
async function sayYes(bench: SyncBench): Promise<void> {
  await bench.database.query(
    'UPDATE mirrorverse.tables SET sweep_allowed = true WHERE unseen_rows IS NOT NULL',
  );
}

describe('a re-baseline that brings no row', () => {
  for (const status of [403, 404] as const) {
    it(`a re-baseline that brings no row deletes nothing, says why, and heals by itself once rows can be read that were answered ${status}`, async () => {
      await using bench = await SyncBench.open();
      const ids = await mirrored(bench);
      hide(bench, ids, status);
      const [result] = await bench.sync(['account'], PAGES);
      expect(result?.failure).toMatchObject({ code: 'sweep-refused', reaction: 'stop-table' });
      expect(result?.failure?.message).toContain('did not see 100 of 100 rows');
      expect(result?.failure?.message.includes('lacks a privilege')).toBe(status === 403);
      expect(result?.failure?.remedy).toContain('mirrorverse plan account --apply');
      expect(await count(bench)).toBe(100);
      expect(await state(bench)).toEqual({
        phase: 'rebaseline',
        catching_up: true,
        link_kind: 'delta',
        unseen_rows: 100,
        sweep_allowed: false,
      });
      expect(await codes(bench)).toEqual(REFUSED);

      bench.emulator.settings.hiddenRows.clear();
      bench.emulator.store.remove('account', ids[0] as string);
      expect(await codes(bench)).toEqual({});
      expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
      expect(await state(bench)).toMatchObject({ phase: 'delta', unseen_rows: null });
    });
  }

  it('a re-baseline that brings no row costs a refused run one request of the feed and a look at three rows', async () => {
    await using bench = await SyncBench.open();
    hide(bench, await mirrored(bench));
    await codes(bench);
    bench.emulator.requests.clear();
    await codes(bench);
    expect(bench.emulator.requests.count({ kind: 'delta' })).toBe(1);
    expect(bench.emulator.requests.count({ kind: 'row' })).toBe(3);
    expect(bench.dataRequests()).toBe(4);
  });

  it('a re-baseline that brings no row may empty a table of ten rows', async () => {
    await using bench = await SyncBench.open();
    const ids = bench.emulator.store.seed('account', 10);
    await codes(bench);
    removeUnseen(bench, ids);
    expect(await codes(bench)).toEqual({});
    expect(await count(bench)).toBe(0);
  });
});

describe('a re-baseline that leaves out a third of the rows', () => {
  it('a re-baseline that leaves out a third of the rows is repeated for as long as single rows can still be read', async () => {
    await using bench = await SyncBench.open();
    const ids = await mirrored(bench);
    hide(bench, ids.slice(0, 30));
    // Only lists are filtered.
    const { hiddenRows } = bench.emulator.settings;
    const isHidden = hiddenRows.get('account');
    bench.emulator.settings.onPage = () => void hiddenRows.set('account', () => false);
    const partial = async (): Promise<Record<string, string>> => {
      hiddenRows.set('account', isHidden ?? (() => false));
      return codes(bench);
    };
    expect(await partial()).toEqual({ account: 'load-incomplete' });
    expect(await partial()).toEqual({ account: 'load-incomplete' });
    expect(await count(bench)).toBe(100);
    expect(bench.emulator.requests.count({ kind: 'baseline' })).toBe(3);
    hiddenRows.clear();
    expect(await codes(bench)).toEqual({});
    expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
  });

  it('a re-baseline that leaves out a third of the rows goes through after a confirmation, which holds once', async () => {
    await using bench = await SyncBench.open();
    const ids = await mirrored(bench);
    removeUnseen(bench, ids.slice(0, 30));
    expect(await codes(bench)).toEqual(REFUSED);
    expect(await count(bench)).toBe(100);
    await sayYes(bench);
    expect(await codes(bench)).toEqual({});
    expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
    expect(await state(bench)).toMatchObject({ phase: 'delta', unseen_rows: null, sweep_allowed: false });

    removeUnseen(bench, ids.slice(30, 60));
    expect(await codes(bench)).toEqual(REFUSED);
  });

  it('a re-baseline that begins again takes the confirmation of the former one back', async () => {
    await using bench = await SyncBench.open();
    const ids = await mirrored(bench);
    removeUnseen(bench, ids.slice(0, 30));
    await codes(bench);
    await sayYes(bench);
    bench.emulator.settings.expireTokens();
    expect(await codes(bench)).toEqual(REFUSED);
    expect(await count(bench)).toBe(100);
  });

  it('a re-baseline after --restart waits for a confirmation too: that is a wish to load, not to delete', async () => {
    await using bench = await SyncBench.open();
    const ids = await mirrored(bench);
    hide(bench, ids.slice(0, 30));
    expect(failures(await bench.sync(['account'], PAGES, { restart: true }))).toEqual(REFUSED);
    expect(await count(bench)).toBe(100);
  });

  it('a re-baseline after a loss of the state waits for a confirmation too', async () => {
    await using bench = await SyncBench.open();
    const ids = await mirrored(bench);
    hide(bench, ids.slice(0, 30));
    await bench.database.query('DELETE FROM mirrorverse.tables');
    expect(await codes(bench)).toEqual(REFUSED);
    expect(await count(bench)).toBe(100);
  });

  it('a re-baseline follows what changes while it waits, and goes through when little enough is left to delete', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    const ids = await mirrored(bench);
    removeUnseen(bench, ids.slice(0, 30));
    expect(await codes(bench)).toEqual(REFUSED);
    store.update('account', ids[50] as string, { name: 'changed while it waits' });
    store.remove('account', ids[51] as string);
    const [added] = store.seed('account', 1);
    // Rows that a load left out and that come with a delta are no longer to be deleted.
    for (const id of ids.slice(0, 5)) store.restore('account', id);
    expect(await codes(bench)).toEqual(REFUSED);
    expect(await count(bench, `name = 'changed while it waits'`)).toBe(1);
    expect(await count(bench, `accountid = '${added}'`)).toBe(1);
    expect(await count(bench, `accountid = '${ids[51]}'`)).toBe(0);
    expect(await state(bench)).toMatchObject({ unseen_rows: 25 });

    for (const id of ids.slice(5, 10)) store.restore('account', id);
    expect(await codes(bench)).toEqual({});
    expect(await differences(store, bench.database, 'account')).toEqual([]);
  });

  it('a re-baseline marks nothing where deletes are soft, and counts no row that is marked already', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    const soft = { softDeletes: true };
    const ids = await mirrored(bench, soft);
    for (const id of ids.slice(80)) store.remove('account', id);
    await codes(bench, soft);
    removeUnseen(bench, ids.slice(0, 30));
    const [result] = await bench.sync(['account'], { ...PAGES, ...soft });
    expect(result?.failure?.message).toContain('did not see 30 of 80 rows');
    expect(await count(bench, '_deleted_at IS NULL')).toBe(80);
    await sayYes(bench);
    expect(await codes(bench, soft)).toEqual({});
    expect(await count(bench, '_deleted_at IS NULL')).toBe(50);
    expect(await count(bench)).toBe(100);
  });

  it('a re-baseline that leaves out a third of the rows may delete them where the limits say so', async () => {
    for (const sweep of [
      { maxShare: 0.3, atLeast: 0 },
      { maxShare: 0, atLeast: 30 },
      { maxShare: 1, atLeast: 0 },
    ]) {
      await using bench = await SyncBench.open();
      const ids = await mirrored(bench);
      removeUnseen(bench, ids.slice(0, 30));
      expect(await codes(bench, { sweep })).toEqual({});
      expect(await count(bench)).toBe(70);
    }
  });
});

/** The table is removed at the source and made again under its name, with a hundred rows after a while. */
async function makeAnew(bench: SyncBench): Promise<string[]> {
  const { store } = bench.emulator;
  const { definition } = store.data('account');
  store.removeTable('account');
  store.addTable({ ...definition, metadataId: '00000000-0000-4000-8000-00000000abcd' });
  expect(await codes(bench)).toEqual({});
  const ids = store.seed('account', 100);
  expect(await codes(bench)).toEqual({});
  return ids;
}

describe('a table that was made again at the source', () => {
  it('a table that was made again at the source waits for a new confirmation once the rows of the former one are gone', async () => {
    await using bench = await SyncBench.open();
    await mirrored(bench);
    hide(bench, await makeAnew(bench));
    expect(await codes(bench)).toEqual(REFUSED);
    expect(await count(bench)).toBe(100);
  });

  it('a table that was made again at the source waits for a confirmation where there was no row of the former one to sweep', async () => {
    await using bench = await SyncBench.open();
    await mirrored(bench);
    await bench.database.query('DROP TABLE dataverse.account');
    hide(bench, await makeAnew(bench));
    expect(await codes(bench)).toEqual(REFUSED);
    expect(await count(bench)).toBe(100);
  });
});

describe('a snapshot that leaves out a third of the rows', () => {
  const SNAPSHOT: SyncOptions = { mode: 'snapshot', pageSize: 40 };

  it('a snapshot that leaves out a third of the rows deletes none of them, and heals by the next snapshot that has them', async () => {
    await using bench = await SyncBench.open();
    const ids = await mirrored(bench, SNAPSHOT);
    hide(bench, ids.slice(0, 30));
    expect(await codes(bench, SNAPSHOT)).toEqual(REFUSED);
    expect(await codes(bench, SNAPSHOT)).toEqual(REFUSED);
    expect(await count(bench)).toBe(100);
    bench.emulator.settings.hiddenRows.clear();
    expect(await codes(bench, SNAPSHOT)).toEqual({});
    expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
  });

  it('a snapshot asks for no confirmation about rows that single reads still find', async () => {
    await using bench = await SyncBench.open();
    const ids = await mirrored(bench, SNAPSHOT);
    const { hiddenRows } = bench.emulator.settings;
    hide(bench, ids.slice(0, 30));
    // Only lists are filtered.
    bench.emulator.settings.onPage = ({ pageNumber }) => {
      if (pageNumber === 2) hiddenRows.clear();
    };
    expect(await codes(bench, SNAPSHOT)).toEqual({ account: 'load-incomplete' });
    expect(await state(bench)).toMatchObject({ unseen_rows: null });
    expect(await count(bench)).toBe(100);
  });

  it('a snapshot that leaves out a third of the rows deletes them by the next one after a confirmation, but not many more', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    const ids = await mirrored(bench, SNAPSHOT);
    for (const id of ids.slice(0, 30)) store.remove('account', id);
    expect(await codes(bench, SNAPSHOT)).toEqual(REFUSED);
    await sayYes(bench);
    for (const id of ids.slice(30, 60)) store.remove('account', id);
    expect(await codes(bench, SNAPSHOT)).toEqual(REFUSED);
    await sayYes(bench);
    store.remove('account', ids[60] as string);
    expect(await codes(bench, SNAPSHOT)).toEqual({});
    expect(await differences(store, bench.database, 'account')).toEqual([]);
  });
});

it('rows of one id in several partitions of an elastic table are counted and read apart by a sweep', async () => {
  await using bench = await SyncBench.open();
  const { store, settings, requests } = bench.emulator;
  store.addTable(telemetry);
  const ids = Array.from({ length: 40 }, () => store.insert('new_telemetry', { partitionid: 'a' }));
  for (const id of ids.slice(0, 30)) store.insert('new_telemetry', { partitionid: 'b' }, id);
  const sync = async (): Promise<Record<string, string>> =>
    failures(await bench.sync(['new_telemetry'], PAGES));
  expect(await sync()).toEqual({});
  for (const id of ids.slice(0, 30)) store.remove('new_telemetry', id, 'b');
  settings.expireTokens();
  requests.clear();
  const [result] = await bench.sync(['new_telemetry'], PAGES);
  expect(result?.failure?.message).toContain('did not see 30 of 70 rows');
  expect(
    requests.find({ kind: 'row' }).every(({ url }) => decodeURIComponent(url).includes("partitionId='b'")),
  ).toBe(true);
  expect(requests.count({ kind: 'row' })).toBe(3);
  await sayYes(bench);
  expect(await sync()).toEqual({});
  expect(await bench.database.query('SELECT FROM dataverse.new_telemetry')).toHaveLength(40);
});
