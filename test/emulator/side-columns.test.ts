import { describe, expect, it } from 'vitest';
import { createChangeFeed } from '../../src/dataverse/feed/change-feed.ts';
import { cellText } from '../../src/model/page.ts';
import { Churn } from '../../src/emulator/demo/churn.ts';
import { decimal, integer } from '../../src/emulator/table-parts/column-kinds.ts';
import { auditColumns, ownerColumns, primaryId } from '../../src/emulator/table-parts/standard-columns.ts';
import { telemetry } from '../../src/emulator/tables/telemetry.ts';
import { Random } from '../../src/emulator/seeding/random.ts';
import { never } from '../support/mirror.ts';
import { differences } from '../support/oracle.ts';
import { smallTable } from '../support/small-table.ts';
import { failures, SyncBench } from '../support/sync.ts';

const WIDE = 'new_wide';
const TOO_MANY = { kind: 'baseline', status: 400 } as const;

interface Width {
  readonly stored?: number;
  readonly calculated: number;
  /** Characters in a column's name. */
  readonly name?: number;
}

/** A table with so many columns beside the usual ones, half of the calculated ones formulas. */
async function wideBench({ stored = 2, calculated, name = 12 }: Width, rows = 100): Promise<SyncBench> {
  const bench = await SyncBench.open();
  const named = (kind: string, at: number): string => `new_${kind}${at}`.padEnd(name, '_');
  const definition = smallTable('new_Wide', {
    columns: [
      primaryId('new_WideId', ['Wide', 'Wide']),
      ...ownerColumns(),
      ...Array.from({ length: stored }, (_, at) => integer(named('stored', at), ['Stored', 'Stored'])),
      ...Array.from({ length: calculated }, (_, at) =>
        decimal(named('calculated', at), ['Calculated', 'Calculated'], 4, {
          sourceType: at % 2 === 0 ? 1 : 3,
        }),
      ),
      ...auditColumns(),
    ],
  });
  bench.emulator.store.addTable(definition);
  bench.emulator.store.seed(WIDE, rows);
  return bench;
}

function churn(bench: SyncBench, steps = 60, seed = 3): void {
  const { store } = bench.emulator;
  const churned = new Churn(store, new Random(seed), [WIDE]);
  for (let step = 0; step < steps; step++) churned.step();
}

async function equal(bench: SyncBench): Promise<void> {
  expect(await differences(bench.emulator.store, bench.database, WIDE)).toEqual([]);
}

describe('a table with more calculated columns than one request may name', () => {
  for (const limit of [1, 3, 9]) {
    it(`a table with too many calculated columns is equal after its baseline and after changes, where ${limit} are allowed`, async () => {
      await using bench = await wideBench({ calculated: 10 });
      bench.emulator.settings.maxCalculatedFields = limit;
      expect(failures(await bench.sync([WIDE], { pageSize: 40 }))).toEqual({});
      await equal(bench);
      churn(bench);
      expect(failures(await bench.sync([WIDE], { pageSize: 40 }))).toEqual({});
      await equal(bench);
    });
  }

  it('the limit of calculated columns is found out once in a process', async () => {
    await using bench = await wideBench({ calculated: 10 });
    bench.emulator.settings.maxCalculatedFields = 3;
    await using session = await bench.session([WIDE]);
    await session.sync();
    // Ten are refused, then five; two are not.
    expect(bench.emulator.requests.count({ table: WIDE, status: 400 })).toBe(2);
    bench.emulator.requests.clear();
    await session.sync({ restart: true });
    churn(bench);
    await session.sync();
    expect(bench.emulator.requests.count({ table: WIDE, status: 400 })).toBe(0);
    await equal(bench);
  });

  it('a table with too many calculated columns costs no side reads where no row has changed', async () => {
    await using bench = await wideBench({ calculated: 10 });
    bench.emulator.settings.maxCalculatedFields = 3;
    await bench.sync([WIDE]);
    bench.emulator.requests.clear();
    await bench.sync([WIDE]);
    expect(bench.dataRequests(WIDE)).toBe(1);
  });

  it('a table with too many calculated columns keeps their values where a delta leaves nulls out', async () => {
    await using bench = await wideBench({ calculated: 10 });
    bench.emulator.settings.maxCalculatedFields = 3;
    bench.emulator.settings.nullsInDelta = 'omitted';
    await bench.sync([WIDE]);
    churn(bench);
    expect(failures(await bench.sync([WIDE]))).toEqual({});
    await equal(bench);
  });

  it('a table with too many calculated columns is re-baselined where its link was issued before there was such a limit', async () => {
    await using bench = await wideBench({ calculated: 10 });
    await bench.sync([WIDE], { pageSize: 40 });
    bench.emulator.settings.maxCalculatedFields = 3;
    churn(bench);
    expect(failures(await bench.sync([WIDE], { pageSize: 40 }))).toEqual({});
    await equal(bench);
    bench.emulator.requests.clear();
    churn(bench, 60, 4);
    await bench.sync([WIDE], { pageSize: 40 });
    expect(bench.emulator.requests.count({ table: WIDE, kind: 'baseline' })).toBe(0);
    await equal(bench);
  });

  it('a table with too many calculated columns begins again where the limit appears in the middle of its baseline', async () => {
    await using bench = await wideBench({ calculated: 10 });
    const { settings } = bench.emulator;
    settings.onPage = ({ pageNumber }) => {
      if (pageNumber === 2) settings.maxCalculatedFields = 3;
    };
    expect(failures(await bench.sync([WIDE], { pageSize: 20 }))).toEqual({});
    await equal(bench);
  });

  it('a table with calculated columns stops with the refusal where not even one is allowed, after a handful of requests', async () => {
    await using bench = await wideBench({ calculated: 10 });
    bench.emulator.settings.maxCalculatedFields = 0;
    expect(failures(await bench.sync([WIDE]))).toEqual({ [WIDE]: 'request-refused' });
    expect(bench.dataRequests(WIDE)).toBeLessThan(10);
  });

  it('rows that are deleted while their calculated columns are read stay until their tombstones come', async () => {
    await using bench = await wideBench({ calculated: 10 }, 0);
    const { settings, store } = bench.emulator;
    const ids = store.seed(WIDE, 60);
    settings.maxCalculatedFields = 3;
    settings.onPage = ({ kind, pageNumber }) => {
      if (kind === 'baseline' && pageNumber === 2) store.remove(WIDE, ids[25] ?? '');
    };
    const [result] = await bench.sync([WIDE], { pageSize: 20 });
    expect(result).toMatchObject({ failure: null, rowsDeleted: 1, quarantined: 0 });
    await equal(bench);
  });
});

describe('a feed', () => {
  it('a feed asks for everything in its first request, in the order of the columns', async () => {
    await using bench = await wideBench({ calculated: 2, stored: 1 });
    await bench.sync([WIDE]);
    const [first] = bench.emulator.requests.find({ table: WIDE, kind: 'baseline' });
    const { definition } = bench.emulator.store.data(WIDE);
    const select = /\?\$select=([^&]*)$/.exec(first?.url ?? '')?.[1]?.split(',');
    expect(select).toContain('new_calculated0');
    expect(select?.[0]).toBe(definition.primaryIdAttribute);
    expect(first?.headers['prefer']).toMatch(
      /^odata\.track-changes,odata\.maxpagesize=5000,odata\.include-annotations="/,
    );
    expect(bench.emulator.requests.count({ table: WIDE, kind: 'list' })).toBe(0);
  });

  it('a feed makes no side reads where a link still carries everything', async () => {
    await using bench = await wideBench({ calculated: 4 });
    const dataverse = bench.dataverse();
    const table = await dataverse.metadata.table(WIDE, never);
    const feed = createChangeFeed(dataverse.client, table, 30);
    const page = await feed.begin(never);
    dataverse.client.calculatedLimits.refused(WIDE, 4);
    const next = await feed.follow(page.link, 'baseline', never);
    const field = table.columns.findIndex(({ name }) => name.startsWith('new_calculated0'));
    const filled = Array.from({ length: next.rows }, (_, row) => cellText(next, row, field));
    expect(filled.some((value) => value !== null)).toBe(true);
    expect(bench.emulator.requests.count({ table: WIDE, kind: 'list' })).toBe(0);
    await dataverse.close();
  });

  it('a feed brings the calculated columns of a row that is read again', async () => {
    await using bench = await wideBench({ calculated: 10 }, 0);
    const { store, settings } = bench.emulator;
    const calculated = Object.fromEntries(
      Array.from({ length: 10 }, (_, at) => [
        `new_calculated${at}`.padEnd(12, '_'),
        { number: `${at}.5000` },
      ]),
    );
    const id = store.insert(WIDE, calculated);
    settings.maxCalculatedFields = 3;
    const dataverse = bench.dataverse();
    const table = await dataverse.metadata.table(WIDE, never);
    const row = await createChangeFeed(dataverse.client, table, 30).readRow({ key: id }, never);
    const values = table.columns.flatMap(({ derived }, field) =>
      row !== null && derived !== undefined ? [cellText(row, 0, field)] : [],
    );
    expect(values).toEqual(Array.from({ length: 10 }, (_, at) => `${at}.5000`));
    expect(await createChangeFeed(dataverse.client, table, 30).readRow({ key: WIDE_ID }, never)).toBeNull();
    await dataverse.close();
  });

  it('a feed reads a row of a partition, and a row without a partition, by the documented form', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    store.addTable(telemetry);
    const partitions = ['device-1', `it's (2)&x=ä,'b'`, null];
    for (const partitionid of partitions) {
      store.insert('new_telemetry', { partitionid, new_name: `in ${partitionid}` }, WIDE_ID);
    }
    const dataverse = bench.dataverse();
    const table = await dataverse.metadata.table('new_telemetry', never);
    const feed = createChangeFeed(dataverse.client, table, 30);
    const field = table.columns.findIndex(({ name }) => name === 'new_name');
    for (const partition of partitions) {
      const row = await feed.readRow({ key: WIDE_ID, partition }, never);
      expect(row === null ? null : cellText(row, 0, field)).toBe(`in ${partition}`);
    }
    expect(await feed.readRow({ key: WIDE_ID, partition: 'device-9' }, never)).toBeNull();
    await dataverse.close();
  });
});

const WIDE_ID = '5b1f9a2e-0c1d-4e3f-8a4b-1c2d3e4f5a6b';

/** Characters of the longest URL that was asked for. */
function longest(bench: SyncBench): number {
  return Math.max(
    ...bench.emulator.requests.find({ table: WIDE }).map(({ url }) => bench.url.length + url.length),
  );
}

describe('a selection too long for a URL', () => {
  const tooLong = { stored: 700, calculated: 20, name: 40 };

  it('a selection too long for a URL is left out where everything may come', async () => {
    await using bench = await wideBench(tooLong, 30);
    expect(failures(await bench.sync([WIDE], { pageSize: 20 }))).toEqual({});
    const [first] = bench.emulator.requests.find({ table: WIDE, kind: 'baseline' });
    expect(first?.url).not.toContain('$select');
    await equal(bench);
  });

  it('a selection too long for a URL names what fits, and side reads bring the rest, where everything is too much', async () => {
    await using bench = await wideBench(tooLong, 60);
    bench.emulator.settings.maxCalculatedFields = 10;
    expect(failures(await bench.sync([WIDE], { pageSize: 20 }))).toEqual({});
    await equal(bench);
    churn(bench, 20);
    expect(failures(await bench.sync([WIDE], { pageSize: 5 }))).toEqual({});
    await equal(bench);
    expect(bench.emulator.requests.count(TOO_MANY)).toBe(1);
    // Links that repeat the selection included.
    expect(longest(bench)).toBeGreaterThan(19_000);
    expect(longest(bench)).toBeLessThan(26_000);
  });
});
