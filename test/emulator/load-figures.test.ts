import { describe, expect, it } from 'vitest';
import type { LoadFigures } from '../../src/model/load-progress.ts';
import type { LoadWatch } from '../../src/sync/load/load-watch.ts';
import { readStatus, type StatusEntry } from '../../src/operations/status/mirror-status.ts';
import { openMirrorDatabase } from '../../src/mirror/database.ts';
import { mirrorOptions, silent } from '../support/mirror.ts';
import { SyncBench, type SyncOptions } from '../support/sync.ts';

const COUNTS = 'RetrieveTotalRecordCount';
const PAGES: SyncOptions = { pageSize: 20, counts: true };
const NO_CHOICE = { entries: [], leftOut: [] };
const NO_LOAD = { loaded: null, expected: null, before: null, begun: false };

/** Collects what the jobs tell of loads. */
class Heard implements LoadWatch {
  readonly figures: LoadFigures[] = [];
  loading(_table: string, figures: () => LoadFigures): void {
    this.figures.push(figures());
  }
  waiting(): void {}
  ended(): void {}
}

async function stored(bench: SyncBench, table = 'account'): Promise<unknown> {
  const [row] = await bench.database.query(
    `SELECT rows_loaded::int AS loaded, rows_expected::int AS expected, load_begun_rows::int AS before,
            load_begun_at <= load_stored_at AS begun
       FROM mirrorverse.tables WHERE "table" = '${table}'`,
  );
  return row === undefined ? undefined : { ...row, begun: (row as { begun: unknown }).begun === true };
}

/** The state as it is while a page of the load has been computed and not yet sent. */
function atPages(bench: SyncBench, table = 'account'): Map<number, unknown> {
  const seen = new Map<number, unknown>();
  bench.emulator.settings.onPage = async ({ pageNumber, table: of }) => {
    if (of !== table) return;
    // The page before this one is being stored meanwhile, and the page before that one is stored.
    seen.set(pageNumber, await stored(bench, table));
  };
  return seen;
}

describe('the figures of a load', () => {
  it('the figures of a baseline are stored with its pages and end with it', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed('account', 90);
    const seen = atPages(bench);
    const heard = new Heard();
    const [result] = await bench.sync(['account'], { ...PAGES, loadWatch: heard });
    expect(result).toMatchObject({ failure: null, phase: 'baseline', rowsWritten: 90 });
    const loaded = [3, 4, 5].map((page) => (seen.get(page) as { loaded: number }).loaded);
    expect(loaded.every((rows, at) => rows >= 20 * (at + 1) && rows < 90)).toBe(true);
    expect(seen.get(5)).toMatchObject({ expected: 90, before: 0, begun: true });
    expect(await stored(bench)).toEqual(NO_LOAD);
    expect(heard.figures.map(({ rowsLoaded }) => rowsLoaded)).toEqual([0, 20, 40, 60, 80, 90]);
    expect(heard.figures.at(-1)).toMatchObject({ rowsExpected: 90, rowsBefore: 0, isAtWork: true });
  });

  it('a load that another process began goes on from what is stored, and asks for no further count', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed('account', 100);
    const stop = new AbortController();
    const onPage = ({ pages }: { pages: number }): void => {
      if (pages === 2) stop.abort(new Error('stopped'));
    };
    await bench.sync(['account'], PAGES, { onPage }, stop.signal).catch(() => undefined);
    // A page that was under way when the run was stopped may be stored too.
    const before = await stored(bench);
    expect(before).toMatchObject({ expected: 100, before: 0 });
    const { loaded } = before as { loaded: number };
    expect([40, 60]).toContain(loaded);
    const heard = new Heard();
    const asked = counted(bench);
    await bench.sync(['account'], { ...PAGES, loadWatch: heard });
    expect(counted(bench)).toBe(asked);
    expect(heard.figures[0]).toMatchObject({ rowsLoaded: loaded, rowsExpected: 100, rowsBefore: loaded });
    expect(heard.figures.map(({ rowsLoaded }) => rowsLoaded)).toEqual(
      [40, 60, 80, 100].filter((rows) => rows >= loaded),
    );
    expect(await stored(bench)).toEqual(NO_LOAD);
  });

  it('a re-baseline counts rows that the mirror had already', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed('account', 50);
    await bench.sync(['account'], PAGES);
    const heard = new Heard();
    const [result] = await bench.sync(['account'], { ...PAGES, loadWatch: heard }, { restart: true });
    expect(result).toMatchObject({ failure: null, rowsWritten: 0 });
    expect(heard.figures.map(({ rowsLoaded }) => rowsLoaded)).toEqual([0, 20, 40, 50]);
    expect(await stored(bench)).toEqual(NO_LOAD);
  });

  it('one request counts the rows of all tables that begin to load together', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    for (const table of ['account', 'contact', 'lead']) store.seed(table, 50);
    let first = 0;
    const { promise: all, resolve } = Promise.withResolvers<void>();
    bench.emulator.settings.onPage = async ({ pageNumber }) => {
      if (pageNumber === 1 && ++first === 3) resolve();
      await all;
    };
    const heard = new Heard();
    await bench.sync(['account', 'contact', 'lead'], { ...PAGES, loadWatch: heard });
    expect(counted(bench)).toBeLessThanOrEqual(2);
    expect(heard.figures.at(-1)).toMatchObject({ rowsExpected: 50 });
  });

  it('a table of one page and a delta ask for no count', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    store.seed('account', 5);
    await bench.sync(['account'], PAGES);
    store.seed('account', 70);
    const heard = new Heard();
    await bench.sync(['account'], { ...PAGES, loadWatch: heard });
    expect(counted(bench)).toBe(0);
    expect(heard.figures).toEqual([]);
  });

  it('a load expects at least the rows that it has stored, where the count is too low', async () => {
    await using bench = await SyncBench.open();
    const ids = bench.emulator.store.seed('account', 30);
    bench.emulator.settings.hiddenRows.set('account', (id) => id === ids[0]);
    bench.emulator.faults.add({
      match: { path: COUNTS },
      do: { transformText: (text) => text.replace('[30]', '[25]') },
    });
    const heard = new Heard();
    await bench.sync(['account'], { ...PAGES, pageSize: 10, loadWatch: heard });
    const last = heard.figures.map(({ rowsLoaded, rowsExpected }) => [rowsLoaded, rowsExpected]);
    expect(last.slice(-2)).toEqual([
      [19, 25],
      [29, 29],
    ]);
  });

  it('a load goes on without figures of what it expects where the environment refuses to count', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed('account', 50);
    bench.emulator.faults.add({
      match: { path: COUNTS },
      do: { status: 403 },
    });
    const heard = new Heard();
    const [result] = await bench.sync(['account'], { ...PAGES, loadWatch: heard });
    expect(result).toMatchObject({ failure: null, rowsWritten: 50 });
    expect(heard.figures.at(-1)).toMatchObject({ rowsLoaded: 50, rowsExpected: null });
  });

  it('a snapshot has figures in its first load, and none when it is read again', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed('account', 60);
    const first = new Heard();
    await bench.sync(['account'], { ...PAGES, mode: 'snapshot', loadWatch: first });
    expect(first.figures.at(-1)).toMatchObject({ rowsLoaded: 60, rowsExpected: 60 });
    const again = new Heard();
    const seen = atPages(bench, 'account');
    await bench.sync(['account'], { ...PAGES, mode: 'snapshot', loadWatch: again });
    expect(again.figures).toEqual([]);
    expect([...seen.values()]).toEqual([NO_LOAD, NO_LOAD, NO_LOAD]);
  });

  it('every process reads the same figures while a load is under way, and no time left once it has stopped', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed('account', 100);
    const stop = new AbortController();
    let hangs = false;
    bench.emulator.settings.onPage = async ({ pageNumber }) => {
      if (pageNumber === 1) await new Promise((resolve) => setTimeout(resolve, 600));
      if (pageNumber < 4) return;
      hangs = true;
      await new Promise((resolve) => stop.signal.addEventListener('abort', resolve, { once: true }));
    };
    const pass = bench.sync(['account'], PAGES, {}, stop.signal).catch(() => undefined);
    const database = openMirrorDatabase(mirrorOptions(bench.database.url), silent);
    const look = async (): Promise<StatusEntry | undefined> =>
      (await readStatus(database, { url: bench.url, choice: NO_CHOICE, requestsPer5Minutes: 6_000 }))
        .tables[0];
    await expect.poll(async () => hangs && (await look())?.rowsLoaded, { timeout: 10_000 }).toBe(60);
    const entry = await look();
    expect(entry).toMatchObject({ phase: 'baseline', rowsLoaded: 60, rowsExpected: 100 });
    expect(entry?.etaSeconds).toBeGreaterThan(0);
    stop.abort(new Error('stopped'));
    await pass;
    expect(await look()).toMatchObject({ rowsLoaded: 60, rowsExpected: 100, etaSeconds: null });
    await database.close();
  });
});

function counted(bench: SyncBench): number {
  return bench.emulator.requests.entries.filter(({ url }) => url.includes(COUNTS)).length;
}
