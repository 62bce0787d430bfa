import { Pool } from 'pg';
import { describe, expect, it } from 'vitest';
import { telemetry } from '../../src/emulator/tables/telemetry.ts';
import { leaveOthers } from '../../src/sync/tables/left-tables.ts';
import { openStateStore } from '../../src/mirror/state/store.ts';
import { PGBOUNCER, startPgBouncer } from '../support/pgbouncer.ts';
import { failures, SyncBench, type SyncOptions } from '../support/sync.ts';

interface ReadPoint {
  readonly version: string | null;
  readonly issued_at: Date | null;
  readonly behind_tables: string[];
  readonly excluded_tables: string[];
  readonly mirror_schema: string;
}

/** The read point of the one environment that is mirrored. */
async function readPoint(bench: SyncBench): Promise<ReadPoint> {
  const rows = await bench.database.query<ReadPoint & Record<string, unknown>>(
    'SELECT * FROM mirrorverse.read_point',
  );
  expect(rows).toHaveLength(1);
  return rows[0] as ReadPoint;
}

async function reaches(bench: SyncBench, version: bigint, timeout = '0'): Promise<unknown> {
  const [row] = await bench.database.query(
    'SELECT mirrorverse.await_version($1::bigint, $2::interval) AS reached',
    [version.toString(), timeout],
  );
  return row?.['reached'];
}

async function pass(bench: SyncBench, tables: string[], options: SyncOptions = {}): Promise<void> {
  expect(failures(await bench.sync(tables, options))).toEqual({});
}

describe('the read point', () => {
  it('the read point is the lowest version of all tables, and advances with idle tables', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    store.seed('account', 5);
    store.seed('contact', 5);
    await pass(bench, ['account', 'contact']);
    const first = store.currentVersion;
    const [issued] = await bench.database.query('SELECT min(link_issued_at) AS at FROM mirrorverse.tables');
    expect(await readPoint(bench)).toEqual({
      version: first.toString(),
      issued_at: issued?.['at'],
      behind_tables: [],
      excluded_tables: [],
      mirror_schema: 'dataverse',
    });

    const id = store.seed('account', 1)[0] as string;
    const written = store.currentVersion;
    await pass(bench, ['account']);
    expect(await readPoint(bench)).toMatchObject({ version: first.toString() });
    expect(await reaches(bench, written)).toBe(false);
    // No contact has changed, but its poll brings a link of a newer version.
    await using session = await bench.session(['contact']);
    for (let polls = 0; polls < 3; polls++) await session.sync();
    expect(await reaches(bench, written)).toBe(true);
    store.update('account', id, { name: 'changed' });
    const later = store.currentVersion;
    await session.sync();
    expect(await readPoint(bench)).toMatchObject({ version: written.toString() });
    expect(await reaches(bench, later)).toBe(false);
    await pass(bench, ['account']);
    expect(await readPoint(bench)).toMatchObject({ version: later.toString() });
  });

  it('the read point names tables that load, have no version or never loaded, and excludes elastic tables', async () => {
    await using bench = await SyncBench.open();
    const { store, faults } = bench.emulator;
    store.addTable(telemetry);
    store.seed('account', 5);
    store.seed('contact', 20);
    store.insert('new_telemetry', { partitionid: 'a' });
    await bench.sync(['account']);
    const version = store.currentVersion;
    await bench.sync(['team'], { mode: 'snapshot' });
    faults.add({ match: { kind: 'baseline', table: 'lead' }, do: { status: 403, code: '0x80040220' } });
    const cut = faults.add({
      match: { kind: 'next', table: 'contact' },
      do: { status: 403, code: '0x80040220' },
    });
    await bench.sync(['lead', 'new_telemetry', 'contact'], { pageSize: 10 });
    expect(await readPoint(bench)).toMatchObject({
      version: version.toString(),
      behind_tables: ['contact', 'lead', 'team'],
      excluded_tables: ['new_telemetry'],
    });
    expect(await reaches(bench, version)).toBe(false);
    cut.remove();
    await pass(bench, ['contact']);
    expect(await readPoint(bench)).toMatchObject({ behind_tables: ['lead', 'team'] });
    await bench.database.query(`DELETE FROM mirrorverse.tables WHERE "table" IN ('lead', 'team')`);
    expect(await reaches(bench, version)).toBe(true);

    await bench.database.query(
      `UPDATE mirrorverse.tables SET link = regexp_replace(link, 'deltatoken=.*', 'deltatoken=opaque')
        WHERE "table" IN ('account', 'contact')`,
    );
    expect(await readPoint(bench)).toMatchObject({
      version: null,
      issued_at: null,
      behind_tables: ['account', 'contact'],
    });
  });

  it('the read point leaves a table out during a re-baseline, and goes back with a rewound environment', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    store.seed('account', 30);
    store.seed('contact', 30);
    await pass(bench, ['account', 'contact']);
    const backup = store.snapshot();
    const before = store.currentVersion;
    store.seed('account', 10);
    await pass(bench, ['account', 'contact']);
    store.resetTo(backup);
    const seen: ReadPoint[] = [];
    bench.emulator.settings.onPage = async () => {
      seen.push(await readPoint(bench));
    };
    await pass(bench, ['account'], { pageSize: 10 });
    bench.emulator.settings.onPage = null;
    expect(seen.at(-1)).toMatchObject({ behind_tables: ['account'] });
    expect(await readPoint(bench)).toMatchObject({ version: before.toString(), behind_tables: [] });
    await pass(bench, ['contact']);
    expect(await reaches(bench, before)).toBe(true);
    expect(await reaches(bench, before + 1n)).toBe(false);
  });

  it('a paused table holds the read point back, and a table that no process mirrors does not', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    await pass(bench, ['account', 'contact', 'lead']);
    const first = store.currentVersion.toString();
    await bench.database.query(`SELECT mirrorverse.pause('contact')`);
    store.seed('account', 1);
    const second = store.currentVersion.toString();
    await pass(bench, ['account', 'lead']);
    expect(await readPoint(bench)).toMatchObject({ version: first });
    const silent = `UPDATE mirrorverse.tables SET last_attempt_at = now() - interval '8 days' WHERE "table" = 'contact'`;
    await bench.database.query(silent);
    expect(await readPoint(bench)).toMatchObject({ version: first });
    await bench.database.query(`SELECT mirrorverse.resume('contact')`);
    expect(await readPoint(bench)).toMatchObject({ version: second, behind_tables: [] });
    // A daemon that stands still for a month mirrors all the same tables.
    await bench.database.query(`UPDATE mirrorverse.tables SET last_attempt_at = now() - interval '30 days'`);
    expect(await readPoint(bench)).toMatchObject({ version: first });

    await pass(bench, ['account', 'contact', 'lead']);
    const state = openStateStore(bench.database.pool, 'mirrorverse', 1);
    const entries = [{ name: 'account', mode: 'changes' as const }];
    await leaveOthers(state, { entries, leftOut: [] });
    store.seed('account', 1);
    const third = store.currentVersion.toString();
    await pass(bench, ['account']);
    expect(await readPoint(bench)).toMatchObject({ version: third });
    store.seed('account', 1);
    await pass(bench, ['lead']);
    expect(await readPoint(bench)).toMatchObject({ version: third });
    await pass(bench, ['account']);
    expect(await reaches(bench, store.currentVersion)).toBe(true);
  });

  it('await_version waits for a write, and refuses a transaction that would not see it', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    await pass(bench, ['account', 'contact']);
    store.seed('account', 3);
    const written = store.currentVersion;
    const waiting = reaches(bench, written, '30 s');
    await pass(bench, ['account', 'contact']);
    expect(await waiting).toBe(true);
    expect(await reaches(bench, written + 1n, '0.2 s')).toBe(false);
    const frozen = async (version: bigint): Promise<unknown> =>
      bench.database.query(
        `BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT mirrorverse.await_version(${version}, '5 s'); COMMIT`,
      );
    await frozen(written);
    await expect(frozen(written + 1n)).rejects.toMatchObject({ code: 'MV004' });
    expect(await bench.database.query(`SELECT mirrorverse.await_version(NULL, '5 s') AS reached`)).toEqual([
      { reached: null },
    ]);
  });

  it.skipIf(PGBOUNCER === undefined)(
    'await_version waits through PgBouncer in mode transaction',
    async () => {
      await using bench = await SyncBench.open();
      const { store } = bench.emulator;
      await using bouncer = await startPgBouncer(bench.database.url, { pool_mode: 'transaction' });
      await pass(bench, ['account']);
      store.seed('account', 3);
      const pool = new Pool({ connectionString: bouncer.url, max: 1 });
      try {
        const waiting = pool.query<{ reached: boolean }>(
          `SELECT mirrorverse.await_version($1, '30 s') AS reached`,
          [store.currentVersion.toString()],
        );
        await pass(bench, ['account']);
        expect((await waiting).rows).toEqual([{ reached: true }]);
      } finally {
        await pool.end();
      }
    },
  );
});
