import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DataverseStore } from '../../src/emulator/store/dataverse-store.ts';
import {
  addCars,
  CAR,
  CAR_COLUMNS,
  carValues,
  defineColumn,
  hasColumn,
  type CarColumn,
} from '../support/changing-table.ts';
import { differences } from '../support/oracle.ts';
import { failures, SyncBench, type SyncOptions } from '../support/sync.ts';

const OPTIONS = { pageSize: 10 };

function makeAnew(store: DataverseStore): void {
  store.removeColumn(CAR, 'new_b');
  defineColumn(store, 'new_b', 0);
}

/** A bench with the table mirrored. */
async function mirrored(options: SyncOptions = {}): Promise<SyncBench> {
  const bench = await SyncBench.open();
  addCars(bench.emulator.store);
  expect(failures(await bench.sync([CAR], { ...OPTIONS, ...options }))).toEqual({});
  return bench;
}

describe('a column that was replaced by another one of its name since the last pass', () => {
  it.each([
    ['removed and made again', makeAnew],
    [
      'changed into another type and back',
      (store: DataverseStore) => {
        defineColumn(store, 'new_b', 1);
        defineColumn(store, 'new_b', 0);
      },
    ],
  ])('a column that was %s has none of the values it had', async (_, edit) => {
    await using bench = await mirrored();
    const { store } = bench.emulator;
    edit(store);
    expect(await bench.sync([CAR], OPTIONS)).toMatchObject([{ phase: 'rebaseline', failure: null }]);
    expect(await differences(store, bench.database, CAR)).toEqual([]);
    expect(await bench.sync([CAR], OPTIONS)).toMatchObject([{ phase: 'delta', rowsRead: 0, failure: null }]);
  });

  it('a column that was replaced is read again by a process that was running all the while', async () => {
    await using bench = await mirrored();
    const { store } = bench.emulator;
    await using session = await bench.session([CAR], OPTIONS);
    await session.sync();
    makeAnew(store);
    // The first run may hear of it only with the pages it reads.
    await session.sync();
    await session.sync();
    expect(await differences(store, bench.database, CAR)).toEqual([]);
  });

  it('a column that was replaced is read again even if the first attempt at it dies', async () => {
    await using bench = await mirrored();
    const { store, faults } = bench.emulator;
    makeAnew(store);
    const fault = faults.add({ match: { kind: 'baseline' }, do: { status: 403 } });
    expect(failures(await bench.sync([CAR], OPTIONS))).not.toEqual({});
    fault.remove();
    expect(failures(await bench.sync([CAR], OPTIONS))).toEqual({});
    expect(await differences(store, bench.database, CAR)).toEqual([]);
  });

  it('a column that was replaced waits for a confirmation where changes of type do', async () => {
    const ask: SyncOptions = { ...OPTIONS, drift: { columnRetyped: 'ask' } };
    await using bench = await mirrored(ask);
    const { store } = bench.emulator;
    makeAnew(store);
    for (const _ of [1, 2]) {
      expect(failures(await bench.sync([CAR], ask))).toEqual({ [CAR]: 'drift-unconfirmed' });
    }
    expect(failures(await bench.sync([CAR], OPTIONS))).toEqual({});
    expect(await differences(store, bench.database, CAR)).toEqual([]);
    expect(failures(await bench.sync([CAR], ask))).toEqual({});
  });

  it('a column is taken as it is where an earlier version did not write down its identity', async () => {
    await using bench = await mirrored();
    await bench.database.query('UPDATE mirrorverse.columns SET metadata_id = NULL');
    expect(await bench.sync([CAR], OPTIONS)).toMatchObject([{ phase: 'delta', failure: null }]);
    const unknown = await bench.database.query(
      'SELECT "column" FROM mirrorverse.columns WHERE metadata_id IS NULL',
    );
    expect(unknown).toEqual([]);
  });
});

it('a table that was removed and made again is loaded again without a finding about its columns', async () => {
  const ask: SyncOptions = { ...OPTIONS, drift: { columnRetyped: 'ask' } };
  await using bench = await mirrored(ask);
  const { store } = bench.emulator;
  const { definition, rows } = store.data(CAR);
  store.removeTable(CAR);
  store.addTable({ ...definition, metadataId: '00000000-0000-4000-8000-00000000abcd' });
  makeAnew(store);
  for (const id of rows.keys()) store.insert(CAR, { new_name: 'anew' }, id);
  expect(await bench.sync([CAR], ask)).toMatchObject([{ phase: 'rebaseline', failure: null }]);
  expect(await differences(store, bench.database, CAR)).toEqual([]);
});

type Step =
  | { readonly do: 'define'; readonly name: CarColumn; readonly kind: 0 | 1 }
  | { readonly do: 'drop' | 'remake'; readonly name: CarColumn }
  | { readonly do: 'update' | 'remove'; readonly row: number }
  | { readonly do: 'insert' | 'sync' };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof<fc.Arbitrary<Step>[]>(
    fc.record({
      do: fc.constant('define' as const),
      name: fc.constantFrom(...CAR_COLUMNS),
      kind: fc.constantFrom(0 as const, 1 as const),
    }),
    fc.record({
      do: fc.constantFrom('drop' as const, 'remake' as const),
      name: fc.constantFrom(...CAR_COLUMNS),
    }),
    fc.record({ do: fc.constantFrom('update' as const, 'remove' as const), row: fc.nat({ max: 49 }) }),
    fc.record({ do: fc.constantFrom('insert' as const, 'sync' as const) }),
  ),
  { minLength: 3, maxLength: 10 },
);

async function sync(bench: SyncBench): Promise<void> {
  expect(failures(await bench.sync([CAR], OPTIONS))).toEqual({});
}

async function take(bench: SyncBench, ids: readonly string[], step: Step, at: number): Promise<void> {
  const { store } = bench.emulator;
  if (step.do === 'sync') await sync(bench);
  else if (step.do === 'insert') store.insert(CAR, carValues(store, at));
  else if (step.do === 'define') defineColumn(store, step.name, step.kind);
  else if (step.do === 'drop' || step.do === 'remake') {
    if (!hasColumn(store, step.name)) return;
    store.removeColumn(CAR, step.name);
    if (step.do === 'remake') defineColumn(store, step.name, 0);
  } else if ('row' in step) {
    const id = ids[step.row] as string;
    if (!store.data(CAR).rows.has(id)) return;
    if (step.do === 'remove') store.remove(CAR, id);
    else store.update(CAR, id, carValues(store, at));
  }
}

interface Contents {
  readonly types: Readonly<Record<string, string>>;
  readonly rows: readonly unknown[];
}

/**
 * Columns with their types, and rows by all of them, without what tells when a row was written.
 *
 * @param only the columns to look at; all without it.
 */
async function contents(bench: SyncBench, schema: string, only?: readonly string[]): Promise<Contents> {
  const found = await bench.database.query<{ name: string; type: string }>(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
      WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped AND attname <> '_mirrored_at'
      ORDER BY attname`,
    [`${schema}.${CAR}`],
  );
  const columns = only === undefined ? found : found.filter(({ name }) => only.includes(name));
  const list = columns.map(({ name }) => `"${name}"::text`).join(', ');
  const rows = await bench.database.query(`SELECT ${list} FROM ${schema}.${CAR} ORDER BY new_carid`);
  return { types: Object.fromEntries(columns.map(({ name, type }) => [name, type])), rows };
}

it('a mirror that followed any changes of columns and rows equals one that is built at their end', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (series) => {
      await using bench = await SyncBench.open({}, 'administrator');
      const ids = addCars(bench.emulator.store);
      await sync(bench);
      for (const [at, step] of series.entries()) await take(bench, ids, step, at);
      await sync(bench);
      await bench.database.query('ALTER SCHEMA dataverse RENAME TO followed');
      await bench.database.query('DROP SCHEMA mirrorverse CASCADE');
      await sync(bench);
      const built = await contents(bench, 'dataverse');
      expect(await contents(bench, 'followed', Object.keys(built.types))).toEqual(built);
    }),
    { numRuns: 4 },
  );
});
