import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allDifferences, differences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';

const TABLES = ['account', 'contact'];

// One for all: each damage is done to tables that were mended of the one before.
let bench: SyncBench;
beforeAll(async () => {
  bench = await SyncBench.open({}, 'administrator');
});
afterAll(async () => bench[Symbol.asyncDispose]());

/** Of the two mirrored tables, a row of each changed, deleted and new since `taken` was called. */
async function movedOn(taken: () => Promise<unknown>): Promise<void> {
  const { store, requests } = bench.emulator;
  await bench.database.query('DROP TABLE IF EXISTS dataverse.before, dataverse.old');
  const ids = TABLES.map((table) => [table, ...store.seed(table, 5)] as const);
  expect(failures(await bench.sync(TABLES))).toEqual({});
  await taken();
  for (const [table, removed = '', changed = ''] of ids) {
    store.remove(table, removed);
    store.update(table, changed, { description: 'changed' });
    store.seed(table, 1);
  }
  expect(failures(await bench.sync(TABLES))).toEqual({});
  requests.clear();
}

/** A copy of a table as a dump has it, and what takes the table's place by it. */
const COPY = `CREATE TABLE dataverse.before (LIKE dataverse.account INCLUDING ALL);
  INSERT INTO dataverse.before SELECT * FROM dataverse.account`;

/** The mirror schema as a dump of now would restore it. */
const COPY_OF_MIRROR = ['account', 'contact', '_loads'].reduce(
  (sql, table) =>
    `${sql}; CREATE TABLE yesterday.${table} (LIKE dataverse.${table} INCLUDING ALL);
      INSERT INTO yesterday.${table} SELECT * FROM dataverse.${table}`,
  'CREATE SCHEMA yesterday',
);
const RESTORE_MIRROR = 'DROP SCHEMA dataverse CASCADE; ALTER SCHEMA yesterday RENAME TO dataverse';

/** What is done to the database behind the back of whoever mirrors, and how many tables it concerns. */
const DAMAGES: Readonly<
  Record<string, { readonly before?: string; readonly sql: string; concerns: number }>
> = {
  'another table was renamed to its name': {
    before: COPY,
    sql: 'ALTER TABLE dataverse.account RENAME TO old; ALTER TABLE dataverse.before RENAME TO account',
    concerns: 1,
  },
  'it was restored from an older dump': {
    before: COPY,
    sql: 'DROP TABLE dataverse.account CASCADE; ALTER TABLE dataverse.before RENAME TO account',
    concerns: 1,
  },
  'all mirror tables were restored from an older dump': {
    before: COPY_OF_MIRROR,
    sql: RESTORE_MIRROR,
    concerns: 2,
  },
  'it was truncated with its trigger disabled': {
    sql: `ALTER TABLE dataverse.account DISABLE TRIGGER ALL; TRUNCATE dataverse.account;
            ALTER TABLE dataverse.account ENABLE TRIGGER ALL`,
    concerns: 1,
  },
  'it was truncated without its trigger and filled from an older copy': {
    before: COPY,
    sql: `DROP TRIGGER mirrorverse_truncated ON dataverse.account; TRUNCATE dataverse.account;
            INSERT INTO dataverse.account SELECT * FROM dataverse.before`,
    concerns: 1,
  },
  'it was truncated by a session that replays another server': {
    sql: `SET session_replication_role = replica; TRUNCATE dataverse.account; RESET session_replication_role`,
    concerns: 1,
  },
  'all of its rows were deleted by hand': { sql: 'DELETE FROM dataverse.account', concerns: 1 },
  'it was UNLOGGED and a crash emptied it': {
    sql: 'ALTER TABLE dataverse.account SET UNLOGGED; DELETE FROM dataverse.account',
    concerns: 1,
  },
  'its mark was set back': { sql: `UPDATE dataverse._loads SET pages = 0`, concerns: 2 },
  'its mark is of another load': {
    sql: `UPDATE dataverse._loads SET load = gen_random_uuid() WHERE table_name = 'account'`,
    concerns: 1,
  },
};

/** What is done to it that loses no row. */
const HARMLESS: Readonly<Record<string, string>> = {
  'it was rewritten by VACUUM FULL': 'VACUUM FULL dataverse.account',
  'its trigger was dropped': 'DROP TRIGGER mirrorverse_truncated ON dataverse.account',
  'its trigger was disabled': 'ALTER TABLE dataverse.account DISABLE TRIGGER mirrorverse_truncated',
  'the table of marks was dropped': 'DROP TABLE dataverse._loads',
  'it was made UNLOGGED': 'ALTER TABLE dataverse.account SET UNLOGGED',
};

const GUARD = `SELECT tgenabled FROM pg_trigger WHERE tgname = 'mirrorverse_truncated' ORDER BY tgrelid`;
const PERSISTENCE = `SELECT relpersistence AS p FROM pg_class WHERE oid = 'dataverse.account'::regclass`;

describe('a mirror table that was replaced, restored or emptied', () => {
  for (const [damage, { before, sql, concerns }] of Object.entries(DAMAGES)) {
    it(`a mirror table is loaded again, deletions included, after ${damage}, between two runs`, async () => {
      const { database, emulator } = bench;
      await movedOn(async () => before && database.query(before));
      await database.query(sql);
      expect(failures(await bench.sync(TABLES))).toEqual({});
      expect(await allDifferences(emulator.store, database, TABLES)).toEqual([]);
      expect(emulator.requests.count({ kind: 'baseline' })).toBe(concerns);
      expect(await database.query(PERSISTENCE)).toEqual([{ p: 'p' }]);
      // And once.
      expect(failures(await bench.sync(TABLES))).toEqual({});
      expect(emulator.requests.count({ kind: 'baseline' })).toBe(concerns);
    });
  }

  it('a mirror table is loaded again after another table was renamed to its name, under a process whose polls find nothing', async () => {
    const { database, emulator } = bench;
    await using session = await bench.session(TABLES);
    await movedOn(async () => database.query(COPY));
    for (let poll = 0; poll < 3; poll++) expect(failures(await session.sync())).toEqual({});
    await database.query(DAMAGES['another table was renamed to its name']?.sql ?? '');
    expect(failures(await session.sync())).toEqual({});
    expect(await allDifferences(emulator.store, database, TABLES)).toEqual([]);
    expect(emulator.requests.count({ kind: 'baseline' })).toBe(1);
  });

  it('a mirror table is loaded again after another table was renamed to its name, between two pages of its load', async () => {
    const { database, emulator } = bench;
    const { store, settings } = emulator;
    await movedOn(async () => undefined);
    await database.query('DROP TABLE dataverse.account CASCADE');
    store.seed('account', 50);
    let swapped = false;
    settings.onPage = async ({ pageNumber }) => {
      if (pageNumber !== 3 || swapped) return;
      swapped = true;
      await database.query(`CREATE TABLE dataverse.empty (LIKE dataverse.account INCLUDING ALL);
        ALTER TABLE dataverse.account RENAME TO old; ALTER TABLE dataverse.empty RENAME TO account`);
    };
    expect(failures(await bench.sync(['account'], { pageSize: 10 }))).toEqual({});
    settings.onPage = null;
    expect(swapped).toBe(true);
    expect(await differences(store, database, 'account')).toEqual([]);
  });
});

describe('a mirror table after harmless changes', () => {
  for (const [act, sql] of Object.entries(HARMLESS)) {
    it(`a mirror table goes on from its link, its trigger always on, after ${act}`, async () => {
      const { database, emulator } = bench;
      await movedOn(async () => undefined);
      await database.query(sql);
      emulator.store.seed('account', 1);
      expect(failures(await bench.sync(TABLES))).toEqual({});
      expect(await allDifferences(emulator.store, database, TABLES)).toEqual([]);
      expect(emulator.requests.count({ kind: 'baseline' })).toBe(0);
      expect(await database.query(GUARD)).toEqual([{ tgenabled: 'A' }, { tgenabled: 'A' }]);
      expect(await database.query(PERSISTENCE)).toEqual([{ p: 'p' }]);
    });
  }

  it('a mirror table goes on from its link after mirror and state were restored together, of one moment, or the state of an earlier one', async () => {
    const { database, emulator } = bench;
    const state = 'mirrorverse.tables';
    await movedOn(async () => database.query(`CREATE TABLE public.earlier AS TABLE ${state}`));
    await database.query(`${COPY_OF_MIRROR}; ${RESTORE_MIRROR}`);
    expect(failures(await bench.sync(TABLES))).toEqual({});
    await database.query(`DELETE FROM ${state}; INSERT INTO ${state} SELECT * FROM public.earlier`);
    emulator.store.seed('account', 1);
    expect(failures(await bench.sync(TABLES))).toEqual({});
    expect(emulator.requests.count({ kind: 'baseline' })).toBe(0);
    expect(await allDifferences(emulator.store, database, TABLES)).toEqual([]);
  });

  it('a mirror table goes on from its link after all of its rows were deleted at the source', async () => {
    const { store, requests } = bench.emulator;
    for (const { id } of store.rows('contact')) store.remove('contact', id);
    requests.clear();
    for (let pass = 0; pass < 3; pass++) expect(failures(await bench.sync(TABLES))).toEqual({});
    expect(requests.count({ kind: 'baseline' })).toBe(0);
    expect(await bench.database.query('SELECT FROM dataverse.contact')).toEqual([]);
  });
});

it('a state of an earlier version takes its mirror tables for those that it loaded', async () => {
  const { database, emulator } = bench;
  await movedOn(async () => undefined);
  await database.query(`DROP TABLE dataverse._loads;
    UPDATE mirrorverse.tables SET load = NULL, load_pages = 0, mirror_oid = NULL, mirror_file = NULL, marks_oid = NULL, has_rows = NULL`);
  expect(failures(await bench.sync(TABLES))).toEqual({});
  expect(emulator.requests.count({ kind: 'baseline' })).toBe(0);
  await database.query(`${COPY}; ${DAMAGES['another table was renamed to its name']?.sql}`);
  expect(failures(await bench.sync(TABLES))).toEqual({});
  expect(emulator.requests.count({ kind: 'baseline' })).toBe(1);
});
