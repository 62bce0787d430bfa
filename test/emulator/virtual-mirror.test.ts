import { describe, expect, it } from 'vitest';
import { Churn } from '../../src/emulator/demo/churn.ts';
import type { EmulatorSettings } from '../../src/emulator/emulator-settings.ts';
import { Random } from '../../src/emulator/seeding/random.ts';
import type { DataverseStore } from '../../src/emulator/store/dataverse-store.ts';
import { ledger, type LedgerFacts } from '../../src/emulator/tables/ledger.ts';
import { differences } from '../support/oracle.ts';
import { failures, SyncBench, type SyncOptions } from '../support/sync.ts';

const TABLE = 'mserp_ledgerjournal';
const READ_POINT = 'SELECT version, behind_tables, excluded_tables FROM mirrorverse.read_point';

async function opened(facts: LedgerFacts = {}, rows = 60): Promise<SyncBench> {
  const bench = await SyncBench.open();
  bench.emulator.store.addTable(ledger(facts));
  bench.emulator.store.seed(TABLE, rows);
  return bench;
}

async function pass(bench: SyncBench, options: SyncOptions = {}): Promise<void> {
  expect(failures(await bench.sync([TABLE], { pageSize: 20, ...options }))).toEqual({});
  expect(await differences(bench.emulator.store, bench.database, TABLE)).toEqual([]);
}

function anyId(store: DataverseStore): string {
  const [row] = store.rows(TABLE);
  if (row === undefined) throw new Error('The table has no row.');
  return row.id;
}

/** What a provider may do, as nobody documents it. */
const PROVIDERS: readonly (LedgerFacts & { what: string; tokens: EmulatorSettings['virtualTokens'] })[] = [
  { what: 'counts below the organization', ownCounter: 10n, tokens: 'counter' },
  { what: 'counts above the organization', ownCounter: 1n << 60n, tokens: 'counter' },
  { what: 'gives tokens with a number that falls', tokens: 'falling' },
  { what: 'gives tokens without a number, and rows without a version', hasVersions: false, tokens: 'opaque' },
];

describe('the mirror of a virtual table', () => {
  for (const { what, tokens, ...facts } of PROVIDERS) {
    it(`the mirror of a virtual table whose provider ${what} equals it, follows its changes and deletes, and costs one request when idle`, async () => {
      await using bench = await opened(facts);
      const { store, settings, requests } = bench.emulator;
      settings.virtualTokens = tokens;
      await pass(bench);
      const churn = new Churn(store, new Random(5), [TABLE]);
      for (let round = 0; round < 3; round++) {
        for (let step = 0; step < 40; step++) churn.step();
        const [result] = await bench.sync([TABLE], { pageSize: 20 });
        expect(result).toMatchObject({ phase: 'delta', failure: null });
        expect(await differences(store, bench.database, TABLE)).toEqual([]);
      }
      requests.clear();
      const [idle] = await bench.sync([TABLE]);
      expect(idle).toMatchObject({ phase: 'delta', rowsRead: 0 });
      expect(bench.dataRequests(TABLE)).toBe(1);
    });
  }

  it('the mirror of a virtual table takes rows whose version has fallen, because a version of a provider guards nothing', async () => {
    await using bench = await opened();
    const { store } = bench.emulator;
    await pass(bench);
    await bench.database.query(`UPDATE dataverse.${TABLE} SET versionnumber = 9000000000000000000`);
    const id = anyId(store);
    store.update(TABLE, id, { mserp_amount: 7 });
    expect(failures(await bench.sync([TABLE]))).toEqual({});
    const rows = await bench.database.query(
      `SELECT versionnumber < 9000000000000000000 AS fallen FROM dataverse.${TABLE} WHERE ${TABLE}id = '${id}'`,
    );
    expect(rows).toEqual([{ fallen: true }]);
    // A new load puts right what was changed by hand.
    expect(failures(await bench.sync([TABLE], {}, { restart: true }))).toEqual({});
    expect(await differences(store, bench.database, TABLE)).toEqual([]);
  });

  it('the mirror of a virtual table has no part in the read point, which names it', async () => {
    await using bench = await opened({ ownCounter: 3n });
    bench.emulator.store.seed('account', 3);
    const tables = ['account', TABLE];
    expect(failures(await bench.sync(tables))).toEqual({});
    const version = bench.emulator.store.currentVersion.toString();
    const [point] = await bench.database.query(READ_POINT);
    expect(point).toEqual({ version, behind_tables: [], excluded_tables: [TABLE] });
  });

  it('the mirror of a virtual table is loaded anew after its link has expired', async () => {
    await using bench = await opened();
    const { store, settings } = bench.emulator;
    await pass(bench);
    settings.expireTokens();
    const id = anyId(store);
    store.remove(TABLE, id);
    const [result] = await bench.sync([TABLE]);
    expect(result).toMatchObject({ phase: 'rebaseline', failure: null });
    expect(await differences(store, bench.database, TABLE)).toEqual([]);
  });

  it('the mirror of a virtual table whose provider gives no delta link is refused before a row is read, and `mode: snapshot` mirrors it', async () => {
    for (const virtualTables of ['no-link', 'refused'] as const) {
      await using bench = await opened({}, 60);
      bench.emulator.settings.virtualTables = virtualTables;
      const [result] = await bench.sync([TABLE], { pageSize: 20 });
      expect(result?.failure).toMatchObject({ code: 'virtual-untracked', reaction: 'stop-table' });
      expect(result?.failure?.remedy).toContain('mode: snapshot');
      expect(result?.rowsRead).toBe(0);
      const whole = bench.emulator.requests
        .find({ table: TABLE })
        .filter(({ url }) => url.includes('amount'));
      expect(whole).toEqual([]);
      await pass(bench, { mode: 'snapshot' });
    }
  });

  it('the mirror of a virtual table is proven to be tracked by its keys alone if the environment does not tell of the tracking', async () => {
    await using bench = await opened();
    const { settings, requests } = bench.emulator;
    settings.virtualTellsTracking = false;
    await pass(bench);
    const keys = requests
      .find({ table: TABLE, kind: 'baseline' })
      .filter(({ url }) => !url.includes('amount'));
    expect(keys).toHaveLength(2);
  });

  it('a verification of a virtual table compares every value by a plain walk, and finds and mends what differs', async () => {
    await using bench = await opened({ ownCounter: 5n });
    const { database, emulator } = bench;
    await pass(bench);
    await using session = await bench.session([TABLE], { pageSize: 20 });
    await session.sync();
    const found = await session.verify(TABLE, 'sweep');
    expect(found).toMatchObject({
      method: 'values',
      hasVersions: false,
      throughVersion: null,
      differences: 0,
    });
    await database.query(`UPDATE dataverse.${TABLE} SET mserp_amount = -1
      WHERE ctid IN (SELECT ctid FROM dataverse.${TABLE} ORDER BY 1 LIMIT 3)`);
    emulator.requests.clear();
    expect(await session.verify(TABLE, 'sweep')).toMatchObject({ rows: 60, differences: 3 });
    expect(
      emulator.requests.find({ table: TABLE }).filter(({ url }) => /versionnumber%20/.test(url)),
    ).toEqual([]);
    expect(await session.repair(TABLE)).toBe(3);
    expect(await differences(emulator.store, database, TABLE)).toEqual([]);
  });
});
