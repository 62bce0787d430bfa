import { expect, it } from 'vitest';
import { isInRows, wireProperty } from '../../src/emulator/definitions/column.ts';
import { Random } from '../../src/emulator/seeding/random.ts';
import { valueSeeder } from '../../src/emulator/seeding/value-seeder.ts';
import { differences } from '../support/oracle.ts';
import { recordedTable } from '../support/recorded.ts';
import { failures, SyncBench } from '../support/sync.ts';

/** One table as two environments describe it: drift as it happens. */
const PAIRS = [
  ['contact.261attrs', 'contact.264attrs', ['sample_contributorsid']],
  ['flowmachine.52attrs', 'flowmachine.54attrs', ['lastheartbeatdate', 'overcapacitysince']],
  [
    'environmentvariabledefinition.59attrs',
    'environmentvariabledefinition.61attrs',
    ['inputcontrolconfig', 'learnmoreurl'],
  ],
] as const;

it.each(PAIRS)(
  'the mirror of %s becomes that of %s in place, with values of new columns in old rows',
  async (from, to, added) => {
    const [before, after] = [recordedTable(from), recordedTable(to)];
    const table = before.logicalName;
    await using bench = await SyncBench.open({ tables: [before] });
    const { store } = bench.emulator;
    store.seed(table, 300);
    expect(failures(await bench.sync([table], { pageSize: 100 }))).toEqual({});
    expect(await differences(store, bench.database, table)).toEqual([]);
    const identity = `SELECT 'dataverse.${table}'::regclass::oid::text AS oid`;
    const was = await bench.database.query(identity);

    store.redefineTable(table, { columns: after.columns });
    const random = new Random(5);
    const definition = store.tables.get(table) ?? after;
    const columns = definition.columns.filter(
      (column) => isInRows(column) && added.some((name) => name === column.logicalName),
    );
    expect(columns.map((column) => column.logicalName)).toEqual(added);
    for (const [index, { id }] of [...store.rows(table)].entries()) {
      const values = columns.map((column) => {
        const value =
          column.kind === 'Lookup'
            ? { table: 'account', id: random.guid() }
            : valueSeeder(store, definition, column)(index, random);
        return [wireProperty(column), value] as const;
      });
      // Without a new row version: what changed is the table, not the row.
      store.recalculate(table, id, Object.fromEntries(values));
    }
    const [gone] = store.rows(table);
    store.remove(table, gone?.id ?? '');
    store.seed(table, 10);

    const [result] = await bench.sync([table], { pageSize: 100 });
    expect(result).toMatchObject({ failure: null, phase: 'rebaseline' });
    expect(await differences(store, bench.database, table)).toEqual([]);
    expect(await bench.database.query(identity)).toEqual(was);
    for (const column of columns) {
      const [filled] = await bench.database.query<{ rows: number }>(
        `SELECT count("${column.logicalName}")::int AS rows FROM dataverse."${table}"`,
      );
      expect(filled?.rows).toBeGreaterThan(250);
    }
  },
);
