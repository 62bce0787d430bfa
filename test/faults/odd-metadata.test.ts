import { afterAll, afterEach, assert, beforeAll, describe, expect, it } from 'vitest';
import type { FaultAction } from '../../src/emulator/faults/fault-script.ts';
import { integer } from '../../src/emulator/table-parts/column-kinds.ts';
import { readStatus } from '../../src/operations/status/mirror-status.ts';
import { speedUpTime } from '../support/fast-time.ts';
import { differences } from '../support/oracle.ts';
import { smallTable } from '../support/small-table.ts';
import { failures, SyncBench } from '../support/sync.ts';

type Item = Record<string, unknown>;
type Change = (items: Item[]) => unknown[];

const TABLES = '/EntityDefinitions?';
const ATTRIBUTES = "/EntityDefinitions(LogicalName='new_car')/Attributes?";
const LOOKUPS = 'LookupAttributeMetadata?';
const DATES = 'DateTimeAttributeMetadata?';
const CSDL = '$metadata';

let bench: SyncBench;
// For the pauses between repeated requests; a minute without metadata still outlasts a few runs.
beforeAll(() => speedUpTime(10, 5_000));
beforeAll(async () => {
  bench = await SyncBench.open({
    tables: ['new_Car', 'new_Van', 'new_Odd', 'new_Other'].map((name) => smallTable(name)),
  });
  bench.emulator.store.seed('new_car', 20);
  bench.emulator.store.seed('new_van', 20);
});
afterEach(() => bench.emulator.faults.clear());
afterAll(async () => bench[Symbol.asyncDispose]());

let changes = 0;
/**
 * What goes wrong with requests whose address has this in it, until the test ends or clears it. A change of the table
 * comes with it, because otherwise nobody reads metadata.
 */
function fault(path: string, action: FaultAction): void {
  bench.emulator.store.renameTable('new_car', [`Car ${++changes}`, 'Wagen']);
  bench.emulator.faults.add({ match: { path }, do: action });
}

function changed(path: string, change: Change): void {
  fault(path, {
    transform: (json) => ({ ...(json as object), value: change((json as { value: Item[] }).value) }),
  });
}

/** The members of one definition changed. */
const of =
  (name: string, members: Item): Change =>
  (items) =>
    items.map((item) => (item['LogicalName'] === name ? { ...item, ...members } : item));

let isLoaded = false;
/** Both tables are mirrored. */
async function loaded(): Promise<void> {
  if (!isLoaded) assert.deepEqual((await pass()).failed, {});
  isLoaded = true;
}

async function forget(...tables: readonly string[]): Promise<void> {
  isLoaded = false;
  for (const table of tables) {
    await bench.database.query(`DROP TABLE IF EXISTS dataverse.${table}`);
    await bench.database.query(`DELETE FROM mirrorverse.tables WHERE "table" = '${table}'`);
    await bench.database.query(`DELETE FROM mirrorverse.columns WHERE "table" = '${table}'`);
    await bench.database.query(`DELETE FROM mirrorverse.definitions WHERE "table" = '${table}'`);
  }
}

/** One pass over both tables: the warnings, and by table what failed. */
async function pass(): Promise<{ warnings: string[]; failed: Record<string, unknown> }> {
  const warnings: string[] = [];
  const failed = failures(await bench.sync(['new_car', 'new_van'], { warn: (text) => warnings.push(text) }));
  return { warnings, failed };
}

async function expectEqual(table = 'new_car'): Promise<void> {
  expect(await differences(bench.emulator.store, bench.database, table)).toEqual([]);
}

describe('one odd definition of a table that nobody mirrors', () => {
  it.each<[string, Change]>([
    ['no name', of('new_odd', { LogicalName: undefined })],
    ['null for a name', of('new_odd', { LogicalName: null })],
    ['a number for its entity set', of('new_odd', { EntitySetName: 7 })],
    ['a list for its primary id', of('new_odd', { PrimaryIdAttribute: [] })],
    ['an object for its type', of('new_odd', { TableType: {} })],
    ['a type that is not known', of('new_odd', { TableType: 'Quantum' })],
    ['null for an id', of('new_odd', { MetadataId: null })],
    ['a text for a flag', of('new_odd', { ChangeTrackingEnabled: 'yes' })],
    ['a text for a label', of('new_odd', { DisplayName: 'Odd' })],
    ['the name of another', of('new_odd', { LogicalName: 'new_other' })],
    ['no object in its place', (items) => [null, 7, 'new_odd', [], ...items]],
  ])(
    'one odd definition of a table that nobody mirrors keeps no other table from being mirrored: %s',
    async (_, change) => {
      changed(TABLES, change);
      const { store } = bench.emulator;
      store.seed('new_car', 1);
      expect((await pass()).failed).toEqual({});
      await expectEqual();
    },
  );
});

describe('an odd definition of a table that is mirrored', () => {
  it.each<[string, Item, string]>([
    ['EntitySetName', { EntitySetName: 7 }, 'EntitySetName'],
    ['EntitySetName that is null', { EntitySetName: null }, 'EntitySetName'],
    ['PrimaryIdAttribute', { PrimaryIdAttribute: null }, 'PrimaryIdAttribute'],
    ['LogicalName', { LogicalName: null }, 'LogicalName'],
  ])(
    'an odd definition fails its own table alone, by its name and the member, before the first load: %s',
    async (_, members, member) => {
      await loaded();
      await forget('new_car');
      changed(TABLES, of('new_car', members));
      const results = await bench.sync(['new_car', 'new_van']);
      expect(results.map(({ table, failure }) => [table, failure === null])).toEqual([
        ['new_car', false],
        ['new_van', true],
      ]);
      const message = results[0]?.failure?.message ?? '';
      expect(message).toContain('new_car');
      expect(message).toContain(member);
    },
  );

  it('an odd definition lets a loaded table go on as it was known, and status says since when', async () => {
    await loaded();
    const { store } = bench.emulator;
    for (const members of [{ EntitySetName: 7 }, { LogicalName: null }, { PrimaryIdAttribute: 'nothing' }]) {
      changed(TABLES, of('new_car', members));
      store.seed('new_car', 2);
      const { warnings, failed } = await pass();
      expect(failed).toEqual({});
      expect(warnings.join('\n')).toMatch(/The definition of table new_car cannot be read since 20/);
      await expectEqual();
      bench.emulator.faults.clear();
    }
    const { pool } = bench.database;
    const database = { pool, schema: 'dataverse', stateSchema: 'mirrorverse' };
    const options = { url: bench.url, choice: { entries: [], leftOut: [] }, requestsPer5Minutes: 6_000 };
    const status = async (): Promise<unknown> => (await readStatus(database, options)).tables[0];
    expect(await status()).toMatchObject({
      table: 'new_car',
      phase: 'delta',
      error: {
        code: 'metadata-unread',
        message: expect.stringContaining('cannot be read since 20') as string,
      },
    });
    const since =
      'SELECT "table", unread_since IS NOT NULL AS unread FROM mirrorverse.definitions ORDER BY 1';
    expect(await bench.database.query(since)).toMatchObject([{ unread: true }, { unread: false }]);
    expect((await pass()).failed).toEqual({});
    expect(await bench.database.query(since)).toMatchObject([{ unread: false }, { unread: false }]);
    expect(await status()).toMatchObject({ error: null });
  });
});

describe('an odd attribute', () => {
  const ODD: [string, string, Change][] = [
    ['a number for its name', ATTRIBUTES, of('new_name', { LogicalName: 7 })],
    ['no type', ATTRIBUTES, of('new_name', { AttributeType: null, AttributeTypeName: null })],
    ['a type that is not known', ATTRIBUTES, of('new_name', { AttributeTypeName: { Value: 'FooType' } })],
    ['a text for a flag', ATTRIBUTES, of('new_name', { IsValidForRead: 'yes' })],
    ['no targets', LOOKUPS, of('createdby', { Targets: 'systemuser' })],
    ['a behavior that is not known', DATES, of('createdon', { DateTimeBehavior: { Value: 'Sundial' } })],
    [
      'no object in its place',
      ATTRIBUTES,
      (items) => [null, ...items.filter((item) => item['LogicalName'] !== 'new_name')],
    ],
  ];

  it.each(ODD)('an odd attribute leaves a column that is mirrored as it is: %s', async (_, path, change) => {
    await loaded();
    const columns = `SELECT attname FROM pg_attribute WHERE attrelid = 'dataverse.new_car'::regclass AND attnum > 0 ORDER BY 1`;
    const before = await bench.database.query(columns);
    changed(path, change);
    bench.emulator.store.seed('new_car', 3);
    const { warnings, failed } = await pass();
    expect(failed).toEqual({});
    expect(warnings.join('\n')).toContain('is odd');
    expect(await bench.database.query(columns)).toEqual(before);
    expect(
      await bench.database.query('SELECT FROM mirrorverse.columns WHERE removed_at IS NOT NULL'),
    ).toEqual([]);
    await expectEqual();
  });

  it('an odd attribute costs a table that is loaded for the first time that column, by its name, and nothing else', async () => {
    await loaded();
    await forget('new_car');
    changed(ATTRIBUTES, of('new_name', { AttributeTypeName: 7 }));
    const { warnings, failed } = await pass();
    expect(failed).toEqual({});
    expect(warnings).toEqual([
      expect.stringContaining(
        'The definition of column new_name of table new_car is odd: its AttributeTypeName',
      ),
    ]);
    const [row] = await bench.database.query('SELECT * FROM dataverse.new_car LIMIT 1');
    expect(row).toHaveProperty('createdon');
    expect(row).not.toHaveProperty('new_name');
  });

  it('an attribute whose details do not come does not change the type of its column', async () => {
    await loaded();
    for (const path of [LOOKUPS, DATES]) {
      changed(path, () => []);
      bench.emulator.store.seed('new_car', 1);
      expect((await pass()).failed).toEqual({});
      await expectEqual();
      bench.emulator.faults.clear();
    }
  });
});

/** The beginning of a list. */
function goesOn(link: string): FaultAction {
  return {
    transform: (json) => {
      const { value } = json as { value: Item[] };
      return { ...(json as object), value: value.slice(0, 3), [link]: `${bench.url}/api/data/v9.2/more` };
    },
  };
}

describe('metadata that cannot be read', () => {
  const CUT: FaultAction = { transformText: (text) => text.slice(0, text.length / 2) };
  it.each<[string, string, FaultAction]>([
    ['the list of tables is refused', TABLES, { status: 403 }],
    ['the list of tables is a page for people', TABLES, { html: true, status: 200 }],
    ['attributes are refused', ATTRIBUTES, { status: 403 }],
    ['attributes are cut off', ATTRIBUTES, CUT],
    ['attributes are no list', ATTRIBUTES, { body: { value: {} } }],
    ['attributes go on elsewhere', ATTRIBUTES, goesOn('@odata.nextLink')],
    ['attributes go on elsewhere, as OData 4.01 writes it', ATTRIBUTES, goesOn('@nextLink')],
    ['the list of tables tells of a failure', TABLES, { body: { value: [], error: { code: '0x80040216' } } }],
    ['$metadata is refused', CSDL, { status: 403 }],
    ['$metadata is cut off', CSDL, CUT],
    ['$metadata is a page for people', CSDL, { html: true, status: 200 }],
    [
      '$metadata is broken where the table is',
      CSDL,
      {
        transformText: (text) =>
          text.replace(/(<EntityType [^>]*Name="new_car"[^>]*>)/, '$1<Property Name=>'),
      },
    ],
  ])(
    'metadata that cannot be read lets a table that is mirrored go on in a new process: %s',
    async (_, path, action) => {
      await loaded();
      fault(path, action);
      bench.emulator.store.seed('new_car', 2);
      const { warnings, failed } = await pass();
      expect(failed).toEqual({});
      expect(warnings.join('\n')).toMatch(/The definition of table new_car cannot be read since 20/);
      await expectEqual();
    },
  );

  it('metadata with a next link that is null counts as read', async () => {
    await loaded();
    fault(ATTRIBUTES, { transform: (json) => ({ ...(json as object), '@odata.nextLink': null }) });
    bench.emulator.store.seed('new_car', 1);
    expect(await pass()).toEqual({ warnings: [], failed: {} });
  });

  it('metadata that cannot be read fails a table that is not mirrored yet, and no other', async () => {
    await loaded();
    await forget('new_car');
    fault(ATTRIBUTES, { html: true, status: 200 });
    expect((await pass()).failed).toEqual({ new_car: 'unexpected-answer' });
  });

  it('metadata that cannot be read is asked for again at a growing distance, not by every run', async () => {
    await loaded();
    await using session = await bench.session(['new_car']);
    const { store, requests } = bench.emulator;
    requests.clear();
    fault(ATTRIBUTES, { status: 403 });
    for (let run = 0; run < 4; run++) {
      store.seed('new_car', 1);
      expect(failures(await session.sync())).toEqual({});
    }
    const asked = requests.find({ table: 'new_car' }).filter(({ url }) => url.includes(ATTRIBUTES));
    expect(asked).toHaveLength(1);
    await expectEqual();
  });

  it('metadata that cannot be read is asked for again at once where rows did not fit what was known', async () => {
    const { store, faults } = bench.emulator;
    store.addTable(smallTable('new_Bus'));
    store.addColumn('new_bus', integer('new_Seats', ['Seats', 'Seats']));
    const id = store.insert('new_bus', { new_seats: 50 });
    await using session = await bench.session(['new_bus']);
    expect(failures(await session.sync())).toEqual({});
    fault("LogicalName='new_bus'", { status: 403 });
    store.retypeColumn('new_bus', 'new_seats', { kind: 'String', maxLength: 100 });
    store.update('new_bus', id, { new_seats: 'many' });
    const [first] = await session.sync();
    expect(first).toMatchObject({ failure: null, quarantined: 1 });
    faults.clear();
    const [second] = await session.sync();
    expect(second).toMatchObject({ failure: null, quarantined: 0 });
    await expectEqual('new_bus');
  });
});
