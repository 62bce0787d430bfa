import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { telemetry } from '../../src/emulator/tables/telemetry.ts';
import { openBench, type Bench } from '../support/bench.ts';
import { runCheck } from '../support/check-document.ts';
import { differences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';

const TABLE = 'account';
const ELASTIC = 'new_telemetry';

describe('objects of other owners around a mirror table', () => {
  let bench: SyncBench;
  beforeAll(async () => {
    // It makes a publication, which only a superuser may of all tables.
    bench = await SyncBench.open({}, 'administrator');
    bench.emulator.store.addTable(telemetry);
    bench.emulator.store.seed(TABLE, 20);
    bench.emulator.store.insert(ELASTIC, { partitionid: 'a', new_name: 'one' });
    await bench.sync([TABLE, ELASTIC]);
  });
  afterAll(async () => bench[Symbol.asyncDispose]());
  beforeEach(() => bench.emulator.requests.clear());

  /** A pass's failure of a table. */
  const failure = async (table = TABLE): Promise<unknown> => {
    const [result] = await bench.sync([table]);
    return result?.failure;
  };

  it('a publication of all tables stops no elastic table, and no load', async () => {
    const { database, emulator } = bench;
    const { store } = emulator;
    await database.query('CREATE PUBLICATION everything FOR ALL TABLES');
    const stays = store.insert(ELASTIC, { partitionid: 'b', new_name: 'two' });
    expect(failures(await bench.sync([ELASTIC, TABLE]))).toEqual({});
    store.update(ELASTIC, stays, { new_name: 'three' }, 'b');
    store.remove(TABLE, [...store.rows(TABLE)][0]?.id ?? '');
    expect(failures(await bench.sync([ELASTIC, TABLE]))).toEqual({});
    store.remove(ELASTIC, stays, 'b');
    expect(failures(await bench.sync([ELASTIC, TABLE]))).toEqual({});
    expect(failures(await bench.sync([ELASTIC, TABLE], {}, { restart: true }))).toEqual({});
    for (const table of [ELASTIC, TABLE]) {
      expect(await differences(store, database, table)).toEqual([]);
    }
    await database.query('DROP PUBLICATION everything');
  });

  it('a replica identity taken from a published table has a failure code of its own', async () => {
    const { database, emulator } = bench;
    await database.query('CREATE PUBLICATION one FOR TABLE dataverse.account');
    await database.query('ALTER TABLE dataverse.account REPLICA IDENTITY NOTHING');
    emulator.store.update(TABLE, [...emulator.store.rows(TABLE)][0]?.id ?? '', { name: 'published' });
    expect(await failure()).toMatchObject({ code: 'replica-identity', reaction: 'stop-table' });
    await database.query('ALTER TABLE dataverse.account REPLICA IDENTITY DEFAULT');
    expect(await failure()).toBeNull();
    await database.query('DROP PUBLICATION one');
  });

  it('a foreign key of a mirror table stops the table before a row is refused, until the key is dropped', async () => {
    const { database } = bench;
    await database.query('CREATE TABLE public.region (id uuid PRIMARY KEY)');
    await database.query(
      'ALTER TABLE dataverse.account ADD CONSTRAINT "of region" FOREIGN KEY (primarycontactid) REFERENCES public.region NOT VALID',
    );
    const found = (await failure()) as { remedy: string };
    expect(found).toMatchObject({ code: 'foreign-key', reaction: 'stop-table' });
    const statement = 'ALTER TABLE "dataverse"."account" DROP CONSTRAINT "of region";';
    expect(found.remedy).toContain(statement);
    expect(await database.query('SELECT FROM mirrorverse.quarantine')).toEqual([]);
    await database.query(statement);
    expect(await failure()).toBeNull();
  });

  it('a foreign key that refers to a mirror table is named when it refuses a delete, and lets other deletes be', async () => {
    const { database, emulator } = bench;
    const [first, second] = [...emulator.store.rows(TABLE)].map(({ id }) => id) as [string, string];
    await database.query(
      'CREATE TABLE public.note (account uuid CONSTRAINT noted REFERENCES dataverse.account)',
    );
    await database.query(
      'CREATE TABLE public.tag (account uuid REFERENCES dataverse.account ON DELETE CASCADE)',
    );
    await database.query('INSERT INTO public.tag VALUES ($1), ($2)', [first, second]);
    emulator.store.remove(TABLE, first);
    expect(await failure()).toBeNull();
    await database.query('INSERT INTO public.note VALUES ($1)', [second]);
    emulator.store.remove(TABLE, second);
    expect(await failure()).toMatchObject({
      code: 'foreign-key',
      reaction: 'stop-table',
      remedy: expect.stringContaining('ALTER TABLE "public"."note" DROP CONSTRAINT "noted"') as string,
    });
    await database.query('ALTER TABLE public.note DROP CONSTRAINT noted');
    expect(await failure()).toBeNull();
    expect(await differences(emulator.store, database, TABLE)).toEqual([]);
  });

  it('a collation in which A equals a hides no change of a text, and stops a table whose partitions it would merge', async () => {
    const { database, emulator } = bench;
    await database.query(
      `CREATE COLLATION public.any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`,
    );
    await database.query('ALTER TABLE dataverse.account ALTER COLUMN name TYPE text COLLATE public.any_case');
    await database.query('UPDATE dataverse.account SET name = upper(name)');
    expect(failures(await bench.sync([TABLE], {}, { restart: true }))).toEqual({});
    expect(await differences(emulator.store, database, TABLE)).toEqual([]);
    await database.query(
      `ALTER TABLE dataverse.${ELASTIC} ALTER COLUMN partitionid TYPE text COLLATE public.any_case`,
    );
    const found = (await failure(ELASTIC)) as { remedy: string };
    expect(found).toMatchObject({ code: 'collation', reaction: 'stop-table' });
    await database.query(/ALTER TABLE [^.]+\.[^.]+/.exec(found.remedy)?.[0] ?? '');
    expect(await failure(ELASTIC)).toBeNull();
  });
});

describe('check before a pass', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await openBench([TABLE], {}, 'administrator');
    bench.emulator.store.seed(TABLE, 3);
    await bench.cli.run(['sync']);
  });
  afterAll(async () => bench[Symbol.asyncDispose]());

  it('check finds foreign keys of a mirror table, and those that would refuse a delete', async () => {
    await bench.database.query(
      'CREATE TABLE public.note (account uuid CONSTRAINT noted REFERENCES dataverse.account)',
    );
    expect((await runCheck(bench.cli)).findings).toContainEqual(
      expect.objectContaining({ id: 'table.account.references', ok: false, code: 'foreign-key' }),
    );
    await bench.database.query('DROP TABLE public.note');
    await bench.database.query(
      'ALTER TABLE dataverse.account ADD CONSTRAINT parent FOREIGN KEY (parentaccountid) REFERENCES dataverse.account NOT VALID',
    );
    expect((await runCheck(bench.cli)).findings).toContainEqual(
      expect.objectContaining({ id: 'table.account.mirror', ok: false, code: 'foreign-key' }),
    );
    await bench.database.query('ALTER TABLE dataverse.account DROP CONSTRAINT parent');
  });

  it('check finds a published mirror table whose replica identity was taken away', async () => {
    await bench.database.query('CREATE PUBLICATION one FOR TABLE dataverse.account');
    await bench.database.query('ALTER TABLE dataverse.account REPLICA IDENTITY NOTHING');
    expect((await runCheck(bench.cli)).findings).toContainEqual(
      expect.objectContaining({ id: 'table.account.identity', ok: false, code: 'replica-identity' }),
    );
    await bench.database.query('DROP PUBLICATION one');
    expect((await runCheck(bench.cli)).findings).not.toContainEqual(
      expect.objectContaining({ id: 'table.account.identity' }),
    );
  });

  it('check finds a database that is not of UTF-8, which no command writes to', async () => {
    const url = new URL(bench.database.url);
    const latin = `${url.pathname.slice(1)}_latin`;
    await bench.database.query(
      `CREATE DATABASE ${latin} ENCODING 'LATIN1' LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
    );
    url.pathname = `/${latin}`;
    try {
      const there = { DATABASE_URL: url.href };
      expect((await runCheck(bench.cli, there)).findings).toContainEqual(
        expect.objectContaining({ id: 'postgres.encoding', ok: false, code: 'database-encoding' }),
      );
      const passed = await bench.cli.run(['sync'], there);
      expect(passed.status).toBe(1);
      expect(passed.stderr).toContain('database-encoding');
      const client = new Client({ connectionString: url.href });
      await client.connect();
      const made = await client.query(
        `SELECT FROM pg_namespace WHERE nspname IN ('dataverse', 'mirrorverse')`,
      );
      expect(made.rowCount).toBe(0);
      await client.end();
    } finally {
      await bench.database.query(`DROP DATABASE ${latin} WITH (FORCE)`);
    }
  });
});
