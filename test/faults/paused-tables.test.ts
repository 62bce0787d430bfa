import { describe, expect, it } from 'vitest';
import { BenchDaemon } from '../support/daemon.ts';
import { differences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';

const TABLE = 'account';
const PAGES = { pageSize: 10 };
/** Once a day: no tick comes while a test runs. */
const DAILY = '0 3 * * *';
const HOUR = 3_600_000;

async function act(bench: SyncBench, call: string): Promise<void> {
  await bench.database.query(`SELECT mirrorverse.${call}`);
}
const pause = async (bench: SyncBench): Promise<void> => act(bench, `pause('${TABLE}')`);

interface State {
  readonly phase: string;
  readonly fence: string;
  readonly until: Date | null;
  readonly resync: Date | null;
  readonly link: string | null;
}

async function stateOf({ database }: SyncBench): Promise<State> {
  const [row] = await database.query<State & Record<string, unknown>>(
    `SELECT phase, fence, paused_until AS until, resync_asked_at AS resync, link_kind AS link
       FROM mirrorverse.tables WHERE "table" = $1`,
    [TABLE],
  );
  if (row === undefined) throw new Error('no state');
  return row;
}

/** Does something while the answer with the nth page from now on is under way. */
function atPage({ emulator: { settings } }: SyncBench, nth: number, work: () => Promise<void>): void {
  let pages = 0;
  settings.onPage = async () => {
    if (++pages !== nth) return;
    settings.onPage = null;
    await work();
  };
}

const rows = async ({ database }: SyncBench): Promise<number> => {
  const [row] = await database.query<{ rows: number }>('SELECT count(*)::int AS rows FROM dataverse.account');
  return row?.rows ?? 0;
};
const requests = ({ emulator }: SyncBench, kind: 'baseline' | 'next' | 'delta'): number =>
  emulator.requests.count({ kind, table: TABLE });

async function expectEqual(bench: SyncBench): Promise<void> {
  expect(await differences(bench.emulator.store, bench.database, TABLE)).toEqual([]);
}

describe('a paused table', () => {
  it('a pass leaves a paused table as it is, without a request for it, and goes on with the others', async () => {
    await using bench = await SyncBench.open();
    const { store, requests: journal } = bench.emulator;
    store.seed(TABLE, 5);
    store.seed('contact', 5);
    await using session = await bench.session([TABLE, 'contact']);
    await session.sync();
    await pause(bench);
    const before = await stateOf(bench);
    store.seed(TABLE, 5);
    store.seed('contact', 5);
    journal.clear();
    // A process that knows the table, and one that begins.
    for (const results of [await session.sync(), await bench.sync([TABLE, 'contact'])]) {
      expect(failures(results)).toEqual({ account: 'table-paused' });
    }
    expect(bench.dataRequests(TABLE)).toBe(0);
    expect(await stateOf(bench)).toEqual(before);
    expect(await differences(store, bench.database, 'contact')).toEqual([]);
    expect(failures(await bench.sync([TABLE], {}, { restart: true }))).toEqual({ account: 'table-paused' });
    const [recorded] = await bench.database.query(
      'SELECT count(*)::int FROM mirrorverse.runs WHERE error_code IS NOT NULL',
    );
    expect(recorded).toEqual({ count: 0 });
    await act(bench, `resume('${TABLE}')`);
    expect(failures(await bench.sync([TABLE]))).toEqual({});
    await expectEqual(bench);
  });

  it('a pause stops a baseline after the page under way, and the baseline goes on at its page', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed(TABLE, 45);
    atPage(bench, 2, async () => pause(bench));
    expect(await bench.sync([TABLE], PAGES)).toMatchObject([
      { phase: 'baseline', failure: { code: 'table-paused', reaction: 'retry' } },
    ]);
    const stored = await rows(bench);
    expect(stored).toBeGreaterThanOrEqual(10);
    expect(stored).toBeLessThanOrEqual(20);
    // There is no delta link to lose.
    expect(await stateOf(bench)).toMatchObject({ phase: 'baseline', link: 'next', until: null });
    expect(failures(await bench.sync([TABLE], PAGES))).toEqual({ account: 'table-paused' });
    expect(await rows(bench)).toBe(stored);
    await act(bench, `resume('${TABLE}')`);
    expect(failures(await bench.sync([TABLE], PAGES))).toEqual({});
    expect(requests(bench, 'baseline')).toBe(1);
    await expectEqual(bench);
  });

  it('a pause during a load ends by itself once the load has brought a delta link', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed(TABLE, 5);
    atPage(bench, 1, async () => pause(bench));
    expect(failures(await bench.sync([TABLE]))).toEqual({ account: 'table-paused' });
    const { until, link } = await stateOf(bench);
    expect(link).toBe('delta');
    const hours = ((until?.getTime() ?? 0) - Date.now()) / HOUR;
    expect(hours).toBeGreaterThan(0.8 * 7 * 24 - 1);
    expect(hours).toBeLessThan(0.8 * 7 * 24 + 1);
  });

  it('a pause that begins while a run waits for the lease of another process is met at once', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed(TABLE, 5);
    await bench.sync([TABLE]);
    await bench.database.query(
      `UPDATE mirrorverse.tables SET lease_holder = 'another', lease_expires_at = now() + interval '1 hour'`,
    );
    const run = bench.sync([TABLE], { holder: 'test' });
    await pause(bench);
    expect(failures(await run)).toEqual({ account: 'table-paused' });
  });

  it('a pause that is over lets the table go on without a resume', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed(TABLE, 5);
    await bench.sync([TABLE]);
    await pause(bench);
    expect(failures(await bench.sync([TABLE]))).toEqual({ account: 'table-paused' });
    await bench.database.query('UPDATE mirrorverse.tables SET paused_until = clock_timestamp()');
    expect(failures(await bench.sync([TABLE]))).toEqual({});
  });
});

describe('a request for a new baseline', () => {
  it('a resync loads the table once over the rows that are there, and sweeps what is gone', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed(TABLE, 25);
    await using session = await bench.session([TABLE], PAGES);
    for (let run = 0; run < 3; run++) await session.sync();
    await bench.database.query(`INSERT INTO dataverse.account (accountid, versionnumber, _mirrored_at)
      VALUES ('00000000-0000-4000-8000-000000000001', 1, now())`);
    await act(bench, `resync('${TABLE}')`);
    await act(bench, `resync('${TABLE}')`);
    bench.emulator.requests.clear();
    // The process knows the table as resting, and would poll it.
    expect(await session.sync()).toMatchObject([{ phase: 'rebaseline', failure: null, rowsDeleted: 1 }]);
    expect(await stateOf(bench)).toMatchObject({ phase: 'delta', resync: null });
    await session.sync();
    expect(requests(bench, 'baseline')).toBe(1);
    await expectEqual(bench);
  });

  it('a resync is found by a new process that would only poll the table', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed(TABLE, 5);
    await bench.sync([TABLE]);
    await act(bench, `resync('${TABLE}')`);
    expect(await bench.sync([TABLE])).toMatchObject([{ phase: 'rebaseline', failure: null }]);
    expect(requests(bench, 'baseline')).toBe(2);
  });

  it.each([1, 2, 3])('a resync during page %i of a load makes the load begin again, once', async (nth) => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed(TABLE, 45);
    atPage(bench, nth, async () => act(bench, `resync('${TABLE}')`));
    expect(failures(await bench.sync([TABLE], PAGES))).toEqual({});
    expect(requests(bench, 'baseline')).toBe(2);
    expect(await stateOf(bench)).toMatchObject({ phase: 'delta', resync: null });
    await expectEqual(bench);
  });

  it('a second resync during the load that answers the first one is answered by another load', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed(TABLE, 45);
    await bench.sync([TABLE], PAGES);
    await act(bench, `resync('${TABLE}')`);
    atPage(bench, 1, async () => act(bench, `resync('${TABLE}')`));
    bench.emulator.requests.clear();
    expect(failures(await bench.sync([TABLE], PAGES))).toEqual({});
    expect(requests(bench, 'baseline')).toBe(2);
    await expectEqual(bench);
  });

  it('a resync of a paused table begins when the pause is over, and survives a load that fails', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed(TABLE, 5);
    await bench.sync([TABLE]);
    await pause(bench);
    await act(bench, `resync('${TABLE}')`);
    expect(failures(await bench.sync([TABLE]))).toEqual({ account: 'table-paused' });
    await act(bench, `resume('${TABLE}')`);
    bench.emulator.settings.deniedTables.add(TABLE);
    expect(failures(await bench.sync([TABLE]))).toEqual({ account: 'privilege-missing' });
    bench.emulator.settings.deniedTables.clear();
    expect(await bench.sync([TABLE])).toMatchObject([{ phase: 'rebaseline', failure: null }]);
    expect(await stateOf(bench)).toMatchObject({ resync: null });
  });

  it('a resync of a snapshot reads the table again, and is answered', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed(TABLE, 25);
    const options = { ...PAGES, mode: 'snapshot' as const };
    await act(bench, `resync('${TABLE}')`).catch(() => undefined);
    atPage(bench, 2, async () => act(bench, `resync('${TABLE}')`));
    expect(failures(await bench.sync([TABLE], options))).toEqual({});
    expect(await stateOf(bench)).toMatchObject({ resync: null });
    await expectEqual(bench);
  });
});

describe('daemons on a daily schedule', () => {
  it('two daemons rest while the table is paused, go on within seconds of a resume, and load once for a resync', async () => {
    await using bench = await SyncBench.open();
    const { store, requests: journal } = bench.emulator;
    store.seed(TABLE, 5);
    await using first = new BenchDaemon(bench, [TABLE], HOUR, DAILY);
    await using second = new BenchDaemon(bench, [TABLE], HOUR, DAILY);
    const success = async (): Promise<number> => {
      const [row] = await bench.database.query<{ at: Date | null }>(
        'SELECT last_success_at AS at FROM mirrorverse.tables',
      );
      return row?.at?.getTime() ?? 0;
    };
    await expect.poll(success, { timeout: 20_000 }).toBeGreaterThan(0);
    await pause(bench);
    store.seed(TABLE, 5);
    // The runs that were under way end, and both daemons have looked.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    journal.clear();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(bench.dataRequests(TABLE)).toBe(0);
    await act(bench, `resume('${TABLE}')`);
    await expect.poll(async () => rows(bench), { timeout: 5_000 }).toBe(10);
    await act(bench, `pause('${TABLE}', clock_timestamp() + interval '2500 milliseconds')`);
    store.seed(TABLE, 5);
    await act(bench, `resync('${TABLE}')`);
    journal.clear();
    // The pause ends by itself, and the load begins then.
    await expect.poll(async () => rows(bench), { timeout: 10_000 }).toBe(15);
    await expect
      .poll(async () => stateOf(bench), { timeout: 10_000 })
      .toMatchObject({ phase: 'delta', resync: null });
    expect(requests(bench, 'baseline')).toBe(1);
    // A run that began before its daemon knew of a pause says so, and nothing else is told.
    expect(new Set([...first.codes, ...second.codes, 'table-paused'])).toEqual(new Set(['table-paused']));
    await expectEqual(bench);
  }, 60_000);
});
