import { describe, expect, it } from 'vitest';
import { column } from '../../src/emulator/table-parts/column-kinds.ts';
import { differences } from '../support/oracle.ts';
import { smallTable } from '../support/small-table.ts';
import { failures, SyncBench, type SyncOptions } from '../support/sync.ts';

const FAX = column('String', 'new_Fax', ['Fax', 'Fax'], { maxLength: 50, format: 'Text' });

/** A mirror of 200 accounts, and the identity of its table. */
async function mirrored(bench: SyncBench, options: SyncOptions = {}): Promise<string> {
  bench.emulator.store.seed('account', 200);
  expect(failures(await bench.sync(['account'], options))).toEqual({});
  return tableId(bench);
}

async function tableId(bench: SyncBench): Promise<string> {
  const [row] = await bench.database.query<{ oid: string }>(
    `SELECT 'dataverse.account'::regclass::oid AS oid`,
  );
  return String(row?.oid);
}

async function columnsOf(bench: SyncBench): Promise<Map<string, string>> {
  const rows = await bench.database.query<{ name: string; type: string }>(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
      WHERE attrelid = 'dataverse.account'::regclass AND attnum > 0 AND NOT attisdropped`,
  );
  return new Map(rows.map((row) => [row.name, row.type]));
}

async function pending(bench: SyncBench): Promise<string | null> {
  const [row] = await bench.database.query<{ pending: string | null }>(
    'SELECT pending FROM mirrorverse.tables',
  );
  return row?.pending ?? null;
}

async function expectEqual(bench: SyncBench): Promise<void> {
  expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
}

describe('a column added at the source', () => {
  it('a column added at the source is filled for rows that were there, in the same table', async () => {
    await using bench = await SyncBench.open();
    const before = await mirrored(bench);
    const { store } = bench.emulator;
    store.addColumn('account', FAX);
    for (const { id } of store.rows('account')) store.recalculate('account', id, { new_fax: `fax ${id}` });
    expect(failures(await bench.sync(['account']))).toEqual({});
    await expectEqual(bench);
    expect(await tableId(bench)).toBe(before);
  });

  it('a column added at the source is noticed by a running process through the metadata version that comes with a page', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed('account', 20);
    await using session = await bench.session(['account']);
    await session.sync();
    const { store, requests } = bench.emulator;
    store.addColumn('account', FAX);
    for (const { id } of store.rows('account')) store.recalculate('account', id, { new_fax: 'x' });
    const asked = requests.count({ kind: 'metadata' });
    // This one's page tells that the metadata has changed, the next one reads it.
    await session.sync();
    expect(requests.count({ kind: 'metadata' })).toBe(asked);
    expect(failures(await session.sync())).toEqual({});
    await expectEqual(bench);
  });

  it('columns that have not changed cost no metadata request', async () => {
    await using bench = await SyncBench.open();
    await using session = await bench.session(['account']);
    await session.sync();
    const { requests } = bench.emulator;
    const asked = requests.count({ kind: 'metadata' });
    for (let run = 0; run < 3; run++) await session.sync();
    expect(requests.count({ kind: 'metadata' })).toBe(asked);
  });

  it('a column added at the source waits for a confirmation where the policy asks, while the changes go on', async () => {
    await using bench = await SyncBench.open();
    await mirrored(bench);
    const { store } = bench.emulator;
    store.addColumn('account', FAX);
    const id = store.insert('account', { name: 'later', new_fax: '1' });
    const results = await bench.sync(['account'], { drift: { columnAdded: 'ask' } });
    expect(failures(results)).toEqual({});
    expect(results[0]?.phase).toBe('delta');
    expect(await pending(bench)).toBe('column new_fax (text) is new.');
    expect((await columnsOf(bench)).has('new_fax')).toBe(false);
    expect(
      await bench.database.query('SELECT FROM dataverse.account WHERE accountid = $1', [id]),
    ).toHaveLength(1);

    expect(failures(await bench.sync(['account']))).toEqual({});
    expect(await pending(bench)).toBeNull();
    await expectEqual(bench);
  });

  it('a column added at the source is left out for good where the policy refuses', async () => {
    await using bench = await SyncBench.open();
    await mirrored(bench);
    bench.emulator.store.addColumn('account', FAX);
    const results = await bench.sync(['account'], { drift: { columnAdded: 'refuse' } });
    expect(results[0]).toMatchObject({ phase: 'delta', failure: null });
    expect(await pending(bench)).toBeNull();
  });
});

describe('a column removed at the source', () => {
  it('a column removed at the source keeps its values, is marked in the catalog and is no longer asked for', async () => {
    await using bench = await SyncBench.open();
    const before = await mirrored(bench);
    const held = 'SELECT accountid, telephone1 FROM dataverse.account ORDER BY 1';
    const values = await bench.database.query(held);
    bench.emulator.store.removeColumn('account', 'telephone1');
    expect(failures(await bench.sync(['account']))).toEqual({});
    await expectEqual(bench);
    expect(await bench.database.query(held)).toEqual(values);
    expect(
      await bench.database.query(
        `SELECT FROM mirrorverse.columns WHERE "column" = 'telephone1' AND removed_at IS NOT NULL`,
      ),
    ).toHaveLength(1);
    expect(await tableId(bench)).toBe(before);
  });

  it('a column removed at the source does not stop a process whose links still name it', async () => {
    await using bench = await SyncBench.open();
    bench.emulator.store.seed('account', 20);
    await using session = await bench.session(['account']);
    await session.sync();
    bench.emulator.store.removeColumn('account', 'telephone1');
    expect(failures(await session.sync())).toEqual({});
    await expectEqual(bench);
  });

  it('a column removed at the source stops the table where the policy asks', async () => {
    await using bench = await SyncBench.open();
    await mirrored(bench);
    bench.emulator.store.removeColumn('account', 'telephone1');
    const drift = { columnRemoved: 'ask' } as const;
    expect(failures(await bench.sync(['account'], { drift }))).toEqual({ account: 'drift-unconfirmed' });
    expect(failures(await bench.sync(['account']))).toEqual({});
  });

  it('a column that was removed at the source and comes back is filled again', async () => {
    await using bench = await SyncBench.open();
    await mirrored(bench);
    const { store } = bench.emulator;
    const telephone = store.tables.get('account')?.columns.find((each) => each.logicalName === 'telephone1');
    store.removeColumn('account', 'telephone1');
    await bench.sync(['account']);
    if (telephone !== undefined) store.addColumn('account', telephone);
    for (const { id } of store.rows('account')) store.recalculate('account', id, { telephone1: '0049' });
    expect(failures(await bench.sync(['account']))).toEqual({});
    await expectEqual(bench);
  });
});

describe('a column retyped at the source', () => {
  it('a column retyped at the source is widened in place, from whole numbers to exact decimals', async () => {
    await using bench = await SyncBench.open();
    const before = await mirrored(bench);
    const { store } = bench.emulator;
    store.retypeColumn('account', 'numberofemployees', { kind: 'Decimal' });
    const [first] = store.rows('account');
    store.recalculate('account', first?.id ?? '', { numberofemployees: { number: '12.50' } });
    expect(failures(await bench.sync(['account']))).toEqual({});
    await expectEqual(bench);
    expect((await columnsOf(bench)).get('numberofemployees')).toBe('numeric');
    expect(await tableId(bench)).toBe(before);
  });

  it('a column retyped at the source stands beside its former self where its values do not fit', async () => {
    await using bench = await SyncBench.open();
    await mirrored(bench);
    const { store } = bench.emulator;
    const held = await bench.database.query(
      'SELECT lastonholdtime AS v FROM dataverse.account ORDER BY accountid',
    );
    store.retypeColumn('account', 'lastonholdtime', { behavior: 'DateOnly', format: 'DateOnly' });
    expect(failures(await bench.sync(['account']))).toEqual({});
    await expectEqual(bench);
    const columns = await columnsOf(bench);
    expect(columns.get('lastonholdtime')).toBe('date');
    const kept = [...columns.keys()].find((name) => /^lastonholdtime_\d{8}$/.test(name));
    expect(
      await bench.database.query(`SELECT "${kept}" AS v FROM dataverse.account ORDER BY accountid`),
    ).toEqual(held);
  });

  it('a column retyped at the source stops the table where the policy refuses, and nothing is altered', async () => {
    await using bench = await SyncBench.open();
    await mirrored(bench);
    const columns = await columnsOf(bench);
    bench.emulator.store.retypeColumn('account', 'numberofemployees', { kind: 'String' });
    const drift = { columnRetyped: 'refuse' } as const;
    expect(failures(await bench.sync(['account'], { drift }))).toEqual({ account: 'drift-refused' });
    expect(await columnsOf(bench)).toEqual(columns);
  });
});

it('a table removed at the source stops, keeps its rows and says so', async () => {
  await using bench = await SyncBench.open();
  await mirrored(bench);
  bench.emulator.store.removeTable('account');
  expect(failures(await bench.sync(['account']))).toEqual({ account: 'table-not-found' });
  expect(await bench.database.query('SELECT FROM dataverse.account')).toHaveLength(200);
});

it('a table that takes the name of a removed one is a different table, and its rows are read from the beginning', async () => {
  await using bench = await SyncBench.open();
  const { store } = bench.emulator;
  store.addTable(smallTable('new_Car'));
  store.seed('new_car', 5);
  expect(failures(await bench.sync(['new_car']))).toEqual({});
  store.removeTable('new_car');
  expect(failures(await bench.sync(['new_car']))).toEqual({ new_car: 'table-not-found' });
  store.addTable(smallTable('new_Car'));
  store.seed('new_car', 2);
  expect(failures(await bench.sync(['new_car']))).toEqual({});
  expect(await differences(store, bench.database, 'new_car')).toEqual([]);
});

describe('rows that do not fit a column as it was before', () => {
  it.each([
    ['few of them', 5],
    ['more than may go to quarantine', 20],
  ])(
    'rows that do not fit a column as it was before are stored once the column has been read again: %s',
    async (_, count) => {
      await using bench = await SyncBench.open();
      const { store } = bench.emulator;
      store.seed('account', 20);
      await using session = await bench.session(['account']);
      await session.sync();
      store.retypeColumn('account', 'numberofemployees', { kind: 'String' });
      for (const { id } of [...store.rows('account')].slice(0, count)) {
        store.update('account', id, { numberofemployees: 'dozens' });
      }
      expect(await session.sync()).toMatchObject([{ failure: null, quarantined: 0 }]);
      await expectEqual(bench);
    },
  );
});

describe('a process that missed a change which another process has followed', () => {
  it('a process that missed a change of a column neither loads the table again nor leaves the new column out', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    store.seed('account', 20);
    await using session = await bench.session(['account']);
    await session.sync();
    store.addColumn('account', FAX);
    expect(failures(await bench.sync(['account']))).toEqual({});
    const [first] = store.rows('account');
    store.update('account', first?.id ?? '', { new_fax: 'x' });
    expect(await session.sync()).toMatchObject([{ phase: 'delta', rowsWritten: 1, failure: null }]);
    await expectEqual(bench);
  });

  it('a process that missed a change of a column does not undo it in the mirror table', async () => {
    await using bench = await SyncBench.open();
    const { store, faults } = bench.emulator;
    store.seed('account', 20);
    await using session = await bench.session(['account']);
    await session.sync();
    store.retypeColumn('account', 'lastonholdtime', { behavior: 'DateOnly' });
    // The other one alters the table and gets no further.
    const fault = faults.add({ match: { kind: 'baseline' }, do: { status: 403 } });
    await bench.sync(['account']);
    fault.remove();
    const altered = await columnsOf(bench);
    expect(failures(await session.sync())).toEqual({});
    expect(await columnsOf(bench)).toEqual(altered);
    await expectEqual(bench);
  });
});

it('a table removed and made again between two passes has none of its former rows', async () => {
  await using bench = await SyncBench.open();
  await mirrored(bench);
  const { store } = bench.emulator;
  const account = store.tables.get('account');
  if (account === undefined) throw new Error('no table account');
  store.removeTable('account');
  store.addTable({ ...account, metadataId: '00000000-0000-4000-8000-00000000abcd' });
  store.seed('account', 5);
  expect(failures(await bench.sync(['account']))).toEqual({});
  await expectEqual(bench);
});
