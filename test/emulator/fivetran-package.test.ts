import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TableDefinition } from '../../src/emulator/definitions/emulated-table.ts';
import { choice, integer, money, text } from '../../src/emulator/table-parts/column-kinds.ts';
import { defineTable } from '../../src/emulator/table-parts/built-in-table.ts';
import {
  auditColumns,
  ownerColumns,
  primaryId,
  stateColumns,
} from '../../src/emulator/table-parts/standard-columns.ts';
import { FIVETRAN_MODELS, fivetranModel } from '../support/fivetran-model.ts';
import { recordedTable } from '../support/recorded.ts';
import { failures, SyncBench } from '../support/sync.ts';

const RECORDED = [
  'account',
  'appointment',
  'contact.261',
  'email',
  'incident',
  'opportunity',
  'phonecall',
  'systemuser',
  'task',
  'team',
];

const FIVETRAN = { labels: { viewSchema: 'dataverse_labeled', fivetran: 'dynamics_365' }, softDeletes: true };
const TABLES = [...FIVETRAN_MODELS.map(([table]) => table), 'team'];
const ROWS = 20;

/** A table of Field Service, of which there is no recording. */
function fieldService(schemaName: string, objectTypeCode: number): TableDefinition {
  const table = schemaName.toLowerCase();
  return defineTable({
    schemaName,
    entitySetName: `${table}s`,
    objectTypeCode,
    displayName: [schemaName, schemaName],
    displayCollectionName: [schemaName, schemaName],
    columns: [
      primaryId(`${schemaName}Id`, [schemaName, schemaName]),
      text('msdyn_Name', ['Name', 'Name'], 100, { isPrimaryName: true }),
      choice(
        table,
        'msdyn_SystemStatus',
        ['System Status', 'Systemstatus'],
        [
          { value: 690_970_000, label: ['Unscheduled', 'Ungeplant'] },
          { value: 690_970_001, label: ['Scheduled', 'Geplant'] },
        ],
      ),
      integer('msdyn_Quantity', ['Quantity', 'Menge']),
      ...money('msdyn_Total', ['Total', 'Summe']),
      ...ownerColumns(),
      ...stateColumns(
        table,
        [{ value: 0, label: ['Active', 'Aktiv'], defaultStatus: 1 }],
        [{ value: 1, label: ['Active', 'Aktiv'], state: 0 }],
      ),
      ...auditColumns(),
    ],
  });
}

describe("the models of Fivetran's dbt package", () => {
  let bench: SyncBench;
  let gone: string;
  async function pass(tables: readonly string[]): Promise<void> {
    const failed = failures(await bench.sync(tables, FIVETRAN));
    if (Object.keys(failed).length > 0) throw new Error(JSON.stringify(failed));
  }
  beforeAll(async () => {
    const own = ['msdyn_CustomerAsset', 'msdyn_WorkOrder', 'msdyn_WorkOrderProduct'];
    const tables = [
      ...RECORDED.map(recordedTable),
      ...own.map((name, at) => fieldService(name, 10_600 + at)),
    ];
    bench = await SyncBench.open({ tables });
    const { store } = bench.emulator;
    for (const table of TABLES) store.seed(table, ROWS);
    await pass(TABLES);
    [gone = ''] = store.seed('account', 1);
    await pass(['account']);
    store.remove('account', gone);
    await pass(['account']);
    await bench.database.query('CREATE SCHEMA analytics');
  }, 60_000);
  afterAll(async () => bench[Symbol.asyncDispose]());

  it.each(FIVETRAN_MODELS)(
    'the model of %s has each row once, and the label of each choice',
    async (table, key) => {
      const { database } = bench;
      const { fields, sql } = await fivetranModel(database, 'dynamics_365', table, key);
      expect(fields).toEqual(
        expect.arrayContaining(['statecode', 'statuscode'].slice(0, table === 'systemuser' ? 0 : 2)),
      );
      await database.query(`CREATE TABLE analytics.${table} AS ${sql}`);
      const [counts] = await database.query<{ rows: number; keys: number }>(
        `SELECT count(*)::int AS rows, count(DISTINCT ${key})::int AS keys FROM analytics.${table}`,
      );
      const rows = table === 'account' ? ROWS + 1 : ROWS;
      expect(counts).toEqual({ rows, keys: rows });
      // The views with labels find the labels in another way.
      const id = key === 'ownerid' ? 'systemuserid' : key;
      const wrong = fields.map((field) => `m.${field}_label IS DISTINCT FROM v.${field}_label`);
      const labels = fields.map((field) => `count(m.${field}_label)`);
      expect(
        await database.query(
          `SELECT count(*) FILTER (WHERE ${wrong.join(' OR ')})::int AS wrong, ${labels.join(' + ')} > 0 AS labeled
           FROM analytics.${table} m JOIN dataverse_labeled.${table} v ON v.${id} = m.${id}`,
        ),
      ).toEqual([{ wrong: 0, labeled: true }]);
    },
  );

  it('the sources of the models are as fresh as their last change, by the query of dbt source freshness', async () => {
    const { database } = bench;
    for (const source of [...FIVETRAN_MODELS.map(([table]) => table), 'stringmap']) {
      const rows = await database.query(
        `SELECT snapshotted_at - max_loaded_at BETWEEN interval '0' AND interval '5 minutes' AS fresh
           FROM (SELECT max(_fivetran_synced) AS max_loaded_at, current_timestamp AS snapshotted_at
                   FROM dynamics_365.${source}) AS freshness`,
      );
      expect([source, rows]).toEqual([source, [{ fresh: true }]]);
    }
    const synced = 'SELECT FROM dynamics_365.account WHERE _fivetran_synced IS DISTINCT FROM _mirrored_at';
    expect(await database.query(synced)).toEqual([]);
  });

  it('a row that is marked deleted is deleted for Fivetran too, and no other row', async () => {
    expect(
      await bench.database.query('SELECT accountid AS id FROM dynamics_365.account WHERE _fivetran_deleted'),
    ).toEqual([{ id: gone }]);
    expect(
      await bench.database.query('SELECT FROM dynamics_365.contact WHERE _fivetran_deleted IS NOT FALSE'),
    ).toEqual([]);
  });

  it('users and teams have themselves as owner, and rows of other tables their own', async () => {
    expect(
      await bench.database.query(
        `SELECT bool_and(ownerid = systemuserid) AS users, (SELECT bool_and(ownerid = teamid) FROM dynamics_365.team) AS teams
           FROM dynamics_365.systemuser`,
      ),
    ).toEqual([{ users: true, teams: true }]);
    const others = `SELECT FROM dynamics_365.account v JOIN dataverse.account USING (accountid)
                     WHERE v.ownerid IS DISTINCT FROM dataverse.account.ownerid`;
    expect(await bench.database.query(others)).toEqual([]);
  });
});
