import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { bool } from '../../src/emulator/table-parts/column-kinds.ts';
import { primaryId, versionNumber } from '../../src/emulator/table-parts/standard-columns.ts';
import { labeledView } from '../../src/mirror/views/labeled-view.ts';
import { MOST_VIEW_COLUMNS } from '../../src/mirror/views/view-plan.ts';
import { eventually } from '../support/command-line.ts';
import { smallTable } from '../support/small-table.ts';
import { failures, SyncBench } from '../support/sync.ts';

const WISHES = { labels: { viewSchema: 'dataverse_labeled' } };

let bench: SyncBench;
beforeAll(async () => {
  const car = smallTable('new_Car', {
    columns: [
      primaryId('new_CarId', ['Car', 'Car']),
      bool('new_car', 'new_Fast', ['Fast', 'Fast']),
      bool('new_car', 'new_Red', ['Red', 'Red']),
      versionNumber(),
    ],
  });
  // It drops schemas and makes an event trigger.
  bench = await SyncBench.open({ tables: [car, smallTable('new_Van')] }, 'administrator');
  bench.emulator.store.seed('new_car', 2);
  await bench.database.query(`
    CREATE FUNCTION public.no_room() RETURNS trigger LANGUAGE plpgsql AS
      $$BEGIN RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'could not extend file'; END$$;
    CREATE FUNCTION public.no_view() RETURNS event_trigger LANGUAGE plpgsql AS
      $$BEGIN RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'could not extend file'; END$$`);
});
beforeEach(async () => {
  bench.emulator.faults.clear();
  await bench.database.query(
    'DROP SCHEMA IF EXISTS dataverse, mirrorverse, dataverse_labeled CASCADE; DROP EVENT TRIGGER IF EXISTS full_disk',
  );
});
afterAll(async () => bench[Symbol.asyncDispose]());

async function isThere(relation: string): Promise<boolean> {
  const [row] = await bench.database.query<{ there: boolean }>(
    `SELECT to_regclass('${relation}') IS NOT NULL AS there`,
  );
  return row?.there === true;
}

it('a view with labels that found no room is made once there is room, not an hour later', async () => {
  await using session = await bench.session(['new_car'], WISHES);
  await bench.database.query(
    `CREATE EVENT TRIGGER full_disk ON ddl_command_start WHEN TAG IN ('CREATE VIEW') EXECUTE FUNCTION no_view()`,
  );
  expect(failures(await session.sync())).toEqual({});
  expect(await isThere('dataverse_labeled.new_car')).toBe(false);
  await bench.database.query('DROP EVENT TRIGGER full_disk');
  await session.sync();
  expect(await isThere('dataverse_labeled.new_car')).toBe(true);
});

it('labels that found no room are read and stored again once there is room', async () => {
  await bench.sync(['new_car'], WISHES);
  await using session = await bench.session(['new_car', 'new_van'], WISHES);
  await bench.database.query(
    'CREATE TRIGGER full_disk BEFORE INSERT ON dataverse._columns FOR EACH STATEMENT EXECUTE FUNCTION no_room()',
  );
  expect(failures(await session.sync())).toEqual({});
  expect(await isThere('dataverse_labeled.new_van')).toBe(false);
  await bench.database.query('DROP TRIGGER full_disk ON dataverse._columns');
  await eventually(async () => {
    await session.sync();
    return isThere('dataverse_labeled.new_van');
  });
});

it('an odd option set costs its own labels alone', async () => {
  bench.emulator.faults.add({
    match: { path: 'BooleanAttributeMetadata?' },
    do: {
      transform: (json) => ({
        value: (json as { value: Record<string, unknown>[] }).value.map((item) =>
          item['LogicalName'] === 'new_fast' ? { ...item, OptionSet: 7 } : item,
        ),
      }),
    },
  });
  expect(failures(await bench.sync(['new_car'], WISHES))).toEqual({});
  expect(await bench.database.query('SELECT DISTINCT column_name FROM dataverse._choices')).toEqual([
    { column_name: 'new_red' },
  ]);
  const [row] = await bench.database.query('SELECT * FROM dataverse_labeled.new_car LIMIT 1');
  expect(row).toHaveProperty('new_red_label');
});

it('a table with more labels than a view has room for keeps a view of all its columns and of the labels that fit', async () => {
  const numbers = Array.from({ length: MOST_VIEW_COLUMNS - 100 }, (_, at) => ({
    name: `c${at}`,
    column: `c${at}`,
    attribute: `c${at}`,
    type: 'integer',
    attributeType: 'PicklistType',
    comment: null,
    targets: [],
  }));
  const table = {
    table: 'wide',
    identifier: 'wide',
    comment: null,
    columns: numbers,
    uniqueColumns: new Set<string>(),
    labeled: true,
  };
  const languages = { preferred: undefined, base: 1033 };
  const options = { schema: 'dataverse', viewSchema: 'dataverse_labeled', languages };
  const { view, leftOut } = labeledView(table, new Map([['wide', table]]), options);
  expect(view.columns).toHaveLength(MOST_VIEW_COLUMNS);
  expect(leftOut).toHaveLength(numbers.length - 100);
  expect(leftOut[0]).toBe('c100_label');
  const names = new Set(view.columns.map(({ name }) => name));
  expect(numbers.every(({ name }) => names.has(name))).toBe(true);
  // PostgreSQL takes so many, and not one more.
  const list = view.columns.map(({ name }) => `1 AS ${name}`);
  await bench.database.query(`CREATE VIEW pg_temp.fits AS SELECT ${list.join(', ')}`);
  const more = bench.database.query(`CREATE VIEW pg_temp.no AS SELECT ${[...list, '1 AS more'].join(', ')}`);
  await expect(more).rejects.toThrow('at most 1600 columns');
});
