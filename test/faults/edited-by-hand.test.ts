import { describe, expect, it } from 'vitest';
import { openBench } from '../support/bench.ts';
import { eventually } from '../support/command-line.ts';
import { freshRole, type DatabaseRole } from '../support/database.ts';
import { allDifferences, differences, isMirrored } from '../support/oracle.ts';
import { failures, SyncBench, type SyncSession } from '../support/sync.ts';

const TABLES = ['account', 'contact'];
const ACCOUNT = `"table" = 'account'`;

/** What a person does to a database, and how many of the two tables it concerns. */
const DAMAGES: Readonly<Record<string, { readonly sql: string; readonly concerns: 1 | 2 }>> = {
  'a mirror table that was dropped': { sql: 'DROP TABLE dataverse.account', concerns: 1 },
  'a column that was dropped': { sql: 'ALTER TABLE dataverse.account DROP COLUMN name', concerns: 1 },
  'a mirror table that was truncated': { sql: 'TRUNCATE dataverse.account', concerns: 1 },
  'a row of state that was deleted': { sql: `DELETE FROM mirrorverse.tables WHERE ${ACCOUNT}`, concerns: 1 },
  'a state schema that was dropped': { sql: 'DROP SCHEMA mirrorverse CASCADE', concerns: 2 },
  'a link that is no address': {
    sql: `UPDATE mirrorverse.tables SET link = 'garbled' WHERE ${ACCOUNT}`,
    concerns: 1,
  },
  "another table's link": {
    sql: `UPDATE mirrorverse.tables SET link = (SELECT link FROM mirrorverse.tables WHERE "table" = 'contact') WHERE ${ACCOUNT}`,
    concerns: 1,
  },
  'a link without a token': {
    sql: `UPDATE mirrorverse.tables SET link = split_part(link, '&', 1) WHERE ${ACCOUNT}`,
    concerns: 1,
  },
  'a link with a token that the environment cannot read': {
    sql: `UPDATE mirrorverse.tables SET link = replace(link, 'deltatoken=', 'deltatoken=x') WHERE ${ACCOUNT}`,
    concerns: 1,
  },
  'a link of no kind': {
    sql: `UPDATE mirrorverse.tables SET link_kind = 'whatever' WHERE ${ACCOUNT}`,
    concerns: 1,
  },
};

/** Two mirrored tables, of which rows are changed and deleted at the source since. */
async function mirrored(bench: SyncBench, session: Pick<SyncSession, 'sync'>): Promise<string[]> {
  const { store, requests } = bench.emulator;
  const ids = new Map(TABLES.map((table) => [table, store.seed(table, 30)]));
  expect(failures(await session.sync())).toEqual({});
  for (const [table, [removed = '', changed = '']] of ids) {
    store.remove(table, removed);
    store.update(table, changed, { description: 'changed' });
  }
  requests.clear();
  return ids.get('account') ?? [];
}

/** A schema that was dropped comes back by itself only to who may create one. */
function roleFor(sql: string): DatabaseRole | undefined {
  return sql.startsWith('DROP SCHEMA') ? 'administrator' : undefined;
}

describe('a table whose mirror or state was damaged', () => {
  for (const [damage, { sql, concerns }] of Object.entries(DAMAGES)) {
    it(`a table is loaded again, deletions included, because of ${damage} between two runs`, async () => {
      await using bench = await SyncBench.open({}, roleFor(sql));
      const sync = async (): Promise<void> => expect(failures(await bench.sync(TABLES))).toEqual({});
      await mirrored(bench, { sync: async () => bench.sync(TABLES) });
      await bench.database.query(sql);
      await sync();
      expect(await allDifferences(bench.emulator.store, bench.database, TABLES)).toEqual([]);
      expect(bench.emulator.requests.count({ kind: 'baseline' })).toBe(concerns);
    });

    it(`a table is loaded again, deletions included, because of ${damage} under a running process`, async () => {
      await using bench = await SyncBench.open({}, roleFor(sql));
      await using session = await bench.session(TABLES);
      await mirrored(bench, session);
      await bench.database.query(sql);
      expect(failures(await session.sync())).toEqual({});
      expect(await allDifferences(bench.emulator.store, bench.database, TABLES)).toEqual([]);
      expect(bench.emulator.requests.count({ kind: 'baseline' })).toBe(concerns);
    });
  }

  it('a table is loaded again after the keys that a re-baseline had seen were dropped while it was under way', async () => {
    await using bench = await SyncBench.open();
    await mirrored(bench, { sync: async () => bench.sync(TABLES) });
    const { settings, store, requests } = bench.emulator;
    settings.expireTokens();
    let dropped = 0;
    settings.onPage = async ({ table, kind, pageNumber }) => {
      if (table !== 'account' || kind !== 'baseline' || pageNumber !== 3 || dropped > 0) return;
      const [seen] = await bench.database.query<{ name: string }>(
        `SELECT quote_ident(relname) AS name FROM pg_class WHERE relname LIKE 'seen%account'`,
      );
      dropped++;
      await bench.database.query(`DROP TABLE mirrorverse.${seen?.name}`);
    };
    expect(failures(await bench.sync(TABLES, { pageSize: 7 }))).toEqual({});
    expect(dropped).toBe(1);
    expect(requests.count({ kind: 'baseline', table: 'account' })).toBe(2);
    expect(await allDifferences(store, bench.database, TABLES)).toEqual([]);
  });

  it('a table is loaded again after a column was given another type', async () => {
    await using bench = await SyncBench.open();
    await mirrored(bench, { sync: async () => bench.sync(TABLES) });
    await bench.database.query('ALTER TABLE dataverse.account ALTER COLUMN revenue TYPE double precision');
    expect(failures(await bench.sync(TABLES))).toEqual({});
    expect(await allDifferences(bench.emulator.store, bench.database, TABLES)).toEqual([]);
    expect(bench.emulator.requests.count({ kind: 'baseline' })).toBe(1);
  });
});

describe('a mirror table that is truncated', () => {
  it('a mirror table that is truncated during its load makes the run that loads it commit no more', async () => {
    await using bench = await SyncBench.open();
    const { store, settings } = bench.emulator;
    store.seed('account', 100);
    settings.onPage = async ({ pageNumber }) => {
      if (pageNumber === 3) await bench.database.query('TRUNCATE dataverse.account');
    };
    expect(failures(await bench.sync(['account'], { pageSize: 20 }))).toEqual({ account: 'lease-lost' });
    settings.onPage = null;
    expect(failures(await bench.sync(['account'], { pageSize: 20 }))).toEqual({});
    expect(await differences(store, bench.database, 'account')).toEqual([]);
  });

  it('a mirror table that is truncated by a role that may do nothing else is noticed all the same', async () => {
    await using bench = await SyncBench.open();
    await mirrored(bench, { sync: async () => bench.sync(TABLES) });
    await using role = await freshRole(bench.database);
    await bench.database.query(
      `GRANT USAGE ON SCHEMA dataverse TO ${role.name}; GRANT TRUNCATE ON dataverse.account TO ${role.name}`,
    );
    await bench.database.query(`BEGIN; SET LOCAL ROLE ${role.name}; TRUNCATE dataverse.account; COMMIT`);
    expect(failures(await bench.sync(TABLES))).toEqual({});
    expect(await allDifferences(bench.emulator.store, bench.database, TABLES)).toEqual([]);
  });

  it('a mirror table whose TRUNCATE is rolled back stays as it was', async () => {
    await using bench = await SyncBench.open();
    await mirrored(bench, { sync: async () => bench.sync(TABLES) });
    await bench.database.query('BEGIN; TRUNCATE dataverse.account; ROLLBACK');
    expect(failures(await bench.sync(TABLES))).toEqual({});
    expect(bench.emulator.requests.count({ kind: 'baseline' })).toBe(0);
  });
});

describe('damage that a person has to mend', () => {
  it('a primary key that was dropped stops the table alone, with the statement that makes it', async () => {
    await using bench = await SyncBench.open();
    await using session = await bench.session(TABLES);
    await mirrored(bench, session);
    await bench.database.query('ALTER TABLE dataverse.account DROP CONSTRAINT account_pkey');
    for (const sync of [async () => session.sync(), async () => bench.sync(TABLES)]) {
      const results = await sync();
      expect(failures(results)).toEqual({ account: 'key-missing' });
      const remedy = results.find(({ table }) => table === 'account')?.failure?.remedy ?? '';
      expect(remedy).toContain('ALTER TABLE "dataverse"."account" ADD PRIMARY KEY ("accountid")');
    }
    expect(await differences(bench.emulator.store, bench.database, 'contact')).toEqual([]);
    await bench.database.query('ALTER TABLE "dataverse"."account" ADD PRIMARY KEY ("accountid")');
    expect(failures(await session.sync())).toEqual({});
    expect(await allDifferences(bench.emulator.store, bench.database, TABLES)).toEqual([]);
  });

  it('a unique index that few of the rows fit stops the table alone, by its name', async () => {
    await using bench = await SyncBench.open();
    const { store } = bench.emulator;
    const ids = await mirrored(bench, { sync: async () => bench.sync(TABLES) });
    await bench.database.query('UPDATE dataverse.account SET address1_city = NULL');
    await bench.database.query('CREATE UNIQUE INDEX only_one ON dataverse.account (address1_city)');
    for (const id of ids.slice(1)) store.update('account', id, { address1_city: 'Oslo' });
    expect(failures(await bench.sync(TABLES))).toEqual({ account: 'too-many-bad-rows' });
    expect(await differences(store, bench.database, 'contact')).toEqual([]);
    await bench.database.query('DROP INDEX dataverse.only_one');
    expect(failures(await bench.sync(TABLES))).toEqual({});
    expect(await allDifferences(store, bench.database, TABLES)).toEqual([]);
  });
});

it('a check constraint that a row does not fit puts that row alone in quarantine', async () => {
  await using bench = await SyncBench.open();
  const { store } = bench.emulator;
  const [, changed = '', other = ''] = await mirrored(bench, { sync: async () => bench.sync(TABLES) });
  await bench.database.query(
    `ALTER TABLE dataverse.account ADD CONSTRAINT by_hand CHECK (description <> 'forbidden') NOT VALID`,
  );
  store.update('account', changed, { description: 'forbidden' });
  store.update('account', other, { description: 'allowed' });
  const results = await bench.sync(TABLES);
  expect(failures(results)).toEqual({});
  expect(results.map(({ quarantined }) => quarantined)).toEqual([1, 0]);
  expect(
    await bench.database.query(`SELECT FROM dataverse.account WHERE description = 'allowed'`),
  ).toHaveLength(1);
  await bench.database.query('ALTER TABLE dataverse.account DROP CONSTRAINT by_hand');
  store.update('account', changed, { description: 'changed again' });
  expect((await bench.sync(TABLES)).map(({ quarantined }) => quarantined)).toEqual([0, 0]);
  expect(await allDifferences(store, bench.database, TABLES)).toEqual([]);
});

it('the daemon mends what is done to its tables while it runs', async () => {
  // The last of it takes who may create a schema.
  await using bench = await openBench(TABLES, {}, 'administrator');
  const { emulator, database, cli } = bench;
  for (const table of TABLES) emulator.store.seed(table, 30);
  const daemon = cli.start(['run'], { MIRRORVERSE_SCHEDULE: '* * * * * *' });
  const becomesEqual = async (): Promise<void> =>
    eventually(async () => isMirrored(emulator.store, database, TABLES), 20_000);
  await becomesEqual();
  for (const sql of [
    'TRUNCATE dataverse.account',
    'DROP TABLE dataverse.account CASCADE',
    'ALTER TABLE dataverse.account DROP COLUMN name CASCADE',
    'DROP SCHEMA mirrorverse CASCADE',
  ]) {
    await database.query(sql);
    emulator.store.seed('account', 1);
    emulator.store.seed('contact', 1);
    await becomesEqual();
  }
  expect((await daemon.stop('SIGTERM')).status).toBe(0);
}, 60_000);
