import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { telemetry } from '../../src/emulator/tables/telemetry.ts';
import { differences } from '../support/oracle.ts';
import { failures, SyncBench, type SyncSession } from '../support/sync.ts';

/** SQL that makes row `$1` of the mirror differ, and what a verification of all values is to say of it. */
const PLANTS = {
  missing: { sql: 'DELETE FROM dataverse.account WHERE accountid = $1', found: 'missing' },
  marked: { sql: set('_deleted_at = now()'), found: 'missing' },
  'marked in the future': { sql: set('_deleted_at = now(), versionnumber = 10 ^ 15'), found: 'missing' },
  stale: { sql: set(`versionnumber = versionnumber - 1, name = 'old'`), found: 'stale' },
  'of a later version': { sql: set(`versionnumber = versionnumber + 1, name = 'later'`), found: 'stale' },
  'of the future': { sql: set('versionnumber = 10 ^ 15'), found: 'stale' },
  'without a version': { sql: set('versionnumber = NULL'), found: 'stale' },
  'of another value': { sql: set(`name = name || '!'`), found: 'values name' },
  'of an empty text': {
    sql: set(`description = nullif('', coalesce(description, 'x'))`),
    found: 'values description',
  },
  'of another digit': { sql: set('revenue = coalesce(revenue, 0) + 0.01'), found: 'values revenue' },
  'of another table': {
    sql: set(`ownerid_entitytype = CASE ownerid_entitytype WHEN 'team' THEN 'systemuser' ELSE 'team' END`),
    found: 'values ownerid_entitytype',
  },
  'of another hash': { sql: set(`emailaddress1 = repeat('0', 64)`), found: 'values emailaddress1' },
  'of several values': {
    sql: set(`name = '', numberofemployees = -7`),
    found: 'values name numberofemployees',
  },
} as const;

function set(assignments: string): string {
  return `UPDATE dataverse.account SET ${assignments} WHERE accountid = $1`;
}

type Plant = keyof typeof PLANTS;

const plants = Object.keys(PLANTS) as Plant[];
const row = fc.nat({ max: 199 });

/** What is planted in which row, and what users do to rows while the verification reads its pages. */
const cases = fc.record({
  planted: fc.uniqueArray(fc.record({ row, what: fc.constantFrom(...plants) }), {
    maxLength: 12,
    selector: ({ row: at }) => at % 40,
  }),
  extra: fc.constantFrom(null, 5, 10 ** 15),
  changes: fc.array(
    fc.record({
      page: fc.nat({ max: 9 }),
      row,
      isPlanted: fc.boolean(),
      what: fc.constantFrom('update', 'update', 'delete', 'insert', 'delete-and-restore'),
    }),
    { maxLength: 16 },
  ),
  method: fc.constantFrom('values' as const, 'values' as const, 'sweep' as const),
});

async function found(session: SyncSession, table: string): Promise<Map<string, string>> {
  const all = await session.differences(table);
  return new Map(all.map(({ key, kind, columns }) => [key, [kind, ...columns.toSorted()].join(' ')]));
}

test('exactly the planted differences are found, under running changes, and a repair leaves none', async () => {
  await using bench = await SyncBench.open();
  const { emulator, database } = bench;
  const { store, settings } = emulator;
  const options = {
    pageSize: 9,
    softDeletes: true,
    hashKey: 'hash key of this test',
    columns: { hash: ['emailaddress1'] },
  };
  await using session = await bench.session(['account'], options);
  const ids = (): string[] => Array.from(store.rows('account'), ({ id }) => id);

  // An extra row stays marked deleted.
  let extras = 0;
  const holds = async ({
    planted,
    extra,
    changes,
    method,
  }: typeof cases extends fc.Arbitrary<infer T> ? T : never) => {
    store.seed('account', Math.max(0, 40 - ids().length));
    expect(failures(await session.sync())).toEqual({});
    const before = ids();
    const expected = new Map<string, string>();
    for (const { row: at, what } of planted) {
      const id = before[at % 40] ?? '';
      await database.query(PLANTS[what].sql, [id]);
      expected.set(id, PLANTS[what].found);
    }
    if (extra !== null) {
      const insert = `INSERT INTO dataverse.account (accountid, versionnumber, _mirrored_at) VALUES ($1, $2, now())`;
      const id = `00000000-0000-4000-8000-${String(extras++).padStart(12, '0')}`;
      await database.query(insert, [id, extra]);
      expected.set(id, 'extra');
    }
    const touched = new Set<string>();
    const change = ({ row: at, isPlanted, what }: (typeof changes)[number]): void => {
      if (what === 'insert') store.seed('account', 1);
      const there = ids();
      const among = isPlanted ? there.filter((id) => expected.has(id)) : there;
      const id = among[at % among.length];
      if (what === 'insert' || id === undefined) return;
      touched.add(id);
      if (what === 'update') store.update('account', id, { accountnumber: String(at) });
      else store.remove('account', id);
      if (what === 'delete-and-restore') store.restore('account', id);
    };
    let page = 0;
    settings.onPage = () => {
      for (const each of changes) if (each.page === page) change(each);
      page++;
    };
    await session.verify('account', method).finally(() => (settings.onPage = null));
    const told = await found(session, 'account');
    for (const [id, kind] of told) expect([id, kind]).toEqual([id, expected.get(id)]);
    const due = [...expected].filter(([, kind]) => method === 'values' || !kind.startsWith('values'));
    expect(due.filter(([id, kind]) => !touched.has(id) && told.get(id) !== kind)).toEqual([]);
    await session.verify('account', 'values');
    await session.repair('account');
    expect((await session.differences('account')).filter(({ repaired }) => !repaired)).toEqual([]);
    await session.verify('account', 'values');
    expect(await session.differences('account')).toEqual([]);
    const left = await differences(store, database, 'account');
    expect(left.filter((text) => !text.includes('.emailaddress1: '))).toEqual([]);
  };
  await fc.assert(fc.asyncProperty(cases, holds), { numRuns: Number(process.env['RUNS'] ?? 8) });
}, 120_000);

test('planted differences of an elastic table are found and repaired by their whole key', async () => {
  await using bench = await SyncBench.open();
  const { emulator, database } = bench;
  const { store } = emulator;
  store.addTable(telemetry);
  const table = 'new_telemetry';
  const id = store.insert(table, { partitionid: 'a', new_name: 'one' });
  for (const partitionid of ['b', 'c', 'd']) store.insert(table, { partitionid, new_name: 'one' }, id);
  const alone = store.insert(table, { new_name: 'without a partition' });
  await using session = await bench.session([table], { pageSize: 2 });
  expect(failures(await session.sync())).toEqual({});
  const where = (partition: string): string =>
    `WHERE new_telemetryid = '${id}' AND partitionid = '${partition}'`;
  await database.query(`DELETE FROM dataverse.new_telemetry ${where('b')}`);
  await database.query(`UPDATE dataverse.new_telemetry SET new_name = 'two' ${where('c')}`);
  await database.query(`UPDATE dataverse.new_telemetry SET versionnumber = 1 ${where('d')}`);
  await database.query(
    `INSERT INTO dataverse.new_telemetry (new_telemetryid, partitionid, versionnumber, _mirrored_at)
     VALUES ('${id}', 'e', 5, now()), ('${alone}', 'f', 5, now())`,
  );
  await session.verify(table, 'values');
  expect(Object.fromEntries(await found(session, table))).toEqual({
    [`${id},b`]: 'missing',
    [`${id},c`]: 'values new_name',
    [`${id},d`]: 'stale',
    [`${id},e`]: 'extra',
    [`${alone},f`]: 'extra',
  });
  expect(await session.repair(table)).toBe(5);
  await session.verify(table, 'values');
  expect(await session.differences(table)).toEqual([]);
  expect(await database.query('SELECT FROM dataverse.new_telemetry')).toHaveLength(5);
});
