import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCheck } from '../support/check-document.ts';
import { CommandLine } from '../support/command-line.ts';
import { mirrorEnvironment } from '../support/mirror-environment.ts';
import { differences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';

const TABLES = ['account', 'contact'];

/** What may have the name of a mirror table, and what a run says to it. */
const TAKEN: Readonly<
  Record<string, { readonly sql: string; readonly drop: string; readonly code: string }>
> = {
  'a table of the same key, with rows': {
    sql: `CREATE TABLE dataverse.account (accountid uuid PRIMARY KEY, name text, versionnumber bigint);
            INSERT INTO dataverse.account VALUES (gen_random_uuid(), 'mine', 1)`,
    drop: 'TABLE',
    code: 'foreign-table',
  },
  'a copy of a mirror table': {
    sql: `CREATE TABLE dataverse.account AS SELECT gen_random_uuid() AS accountid, now() AS _mirrored_at`,
    drop: 'TABLE',
    code: 'foreign-table',
  },
  'a table that notes when its rows were mirrored': {
    sql: `CREATE TABLE dataverse.account (accountid uuid PRIMARY KEY, name text, _mirrored_at timestamptz NOT NULL DEFAULT now());
            INSERT INTO dataverse.account VALUES (gen_random_uuid(), 'mine')`,
    drop: 'TABLE',
    code: 'foreign-table',
  },
  'a table with a trigger of the name of ours': {
    sql: `CREATE TABLE dataverse.account (accountid uuid PRIMARY KEY, name text);
            CREATE OR REPLACE FUNCTION public.theirs() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
            CREATE TRIGGER mirrorverse_truncated BEFORE TRUNCATE ON dataverse.account EXECUTE FUNCTION public.theirs()`,
    drop: 'TABLE',
    code: 'foreign-table',
  },
  'a partitioned table': {
    sql: 'CREATE TABLE dataverse.account (id int) PARTITION BY RANGE (id)',
    drop: 'TABLE',
    code: 'foreign-table',
  },
  'a view': { sql: 'CREATE VIEW dataverse.account AS SELECT 1 AS one', drop: 'VIEW', code: 'name-taken' },
  'a materialized view': {
    sql: 'CREATE MATERIALIZED VIEW dataverse.account AS SELECT 1 AS one',
    drop: 'MATERIALIZED VIEW',
    code: 'name-taken',
  },
  'a sequence': { sql: 'CREATE SEQUENCE dataverse.account', drop: 'SEQUENCE', code: 'name-taken' },
  'a type': { sql: `CREATE TYPE dataverse.account AS ENUM ('a')`, drop: 'TYPE', code: 'name-taken' },
  'a composite type': { sql: `CREATE TYPE dataverse.account AS (a int)`, drop: 'TYPE', code: 'name-taken' },
};

/** Everything that PostgreSQL's catalog has of it. */
const LOOK = `SELECT c.oid, c.xmin, c.relfilenode, c.relkind, c.relhastriggers, c.relnatts FROM pg_class c
  WHERE c.relnamespace = 'dataverse'::regnamespace AND c.relname LIKE 'account%' ORDER BY c.oid`;

let bench: SyncBench;
beforeAll(async () => {
  bench = await SyncBench.open({}, 'administrator');
  for (const table of TABLES) bench.emulator.store.seed(table, 3);
  await bench.database.query('CREATE SCHEMA dataverse');
});
afterAll(async () => bench[Symbol.asyncDispose]());

describe('a relation of another owner under the name of a mirror table', () => {
  for (const [what, { sql, drop, code }] of Object.entries(TAKEN)) {
    it(`${what} called account is refused by name, and left as it is`, async () => {
      const { database, emulator } = bench;
      await database.query(sql);
      const before = await database.query(LOOK);
      for (let pass = 0; pass < 2; pass++) {
        const results = await bench.sync(TABLES);
        expect(failures(results)).toEqual({ account: code });
        const { failure } = results.find(({ table }) => table === 'account') ?? {};
        expect(failure?.message).toContain('"dataverse"."account"');
        expect(failure?.remedy).toContain('postgres.schema');
      }
      expect(await database.query(LOOK)).toEqual(before);
      expect(await differences(emulator.store, database, 'contact')).toEqual([]);
      await database.query(`DROP ${drop} dataverse.account`);
    });
  }

  it('a table of another owner is reported by check and plan, and refused until it is renamed', async () => {
    const { database, emulator } = bench;
    await database.query(`CREATE TABLE dataverse.account (accountid uuid PRIMARY KEY);
      INSERT INTO dataverse.account VALUES (gen_random_uuid())`);
    await using cli = await CommandLine.open(mirrorEnvironment(bench, TABLES));
    const check = await runCheck(cli);
    expect(check.findings.filter(({ ok }) => !ok)).toEqual([
      expect.objectContaining({ id: 'table.account.mirror', code: 'foreign-table' }),
    ]);
    const { status, document } = await cli.json(['plan']);
    const { tables } = document as { tables: { table: string; error: { code: string } | null }[] };
    expect(status).toBe(1);
    expect(tables.map(({ error }) => error?.code ?? null)).toEqual(['foreign-table', null]);
    await database.query('ALTER TABLE dataverse.account RENAME TO mine');
    expect(failures(await bench.sync(TABLES))).toEqual({});
    expect(await differences(emulator.store, database, 'account')).toEqual([]);
    expect(await database.query('SELECT FROM dataverse.mine')).toHaveLength(1);
  });
});

it.each(['TABLE', 'VIEW'])(
  'a %s of another owner under the name of the table of marks stops tables by its name',
  async (kind) => {
    await using other = await SyncBench.open({}, 'administrator');
    await other.database.query(
      `CREATE SCHEMA dataverse; CREATE ${kind} dataverse._loads AS SELECT 1 AS mine`,
    );
    const [result] = await other.sync(['account']);
    expect(result?.failure?.code).toBe('name-taken');
    expect(result?.failure?.message).toContain('"dataverse"."_loads"');
    await other.database.query(`DROP ${kind} dataverse._loads`);
    expect(failures(await other.sync(['account']))).toEqual({});
  },
);

describe('mirror tables whose state was lost', () => {
  it('mirror tables whose state was lost are recognized by their triggers, or by the marks of their loads, or by the columns that each has', async () => {
    const { database, emulator } = bench;
    expect(failures(await bench.sync(TABLES))).toEqual({});
    await database.query('ALTER TABLE dataverse.contact DROP COLUMN _mirrored_at');
    await database.query('TRUNCATE mirrorverse.tables, mirrorverse.columns');
    expect(failures(await bench.sync(TABLES))).toEqual({});
    for (const lost of ['', '; DROP TABLE dataverse._loads']) {
      await database.query(`DROP SCHEMA mirrorverse CASCADE${lost}`);
      expect(failures(await bench.sync(TABLES))).toEqual({});
    }
    for (const table of TABLES) {
      expect(await differences(emulator.store, database, table)).toEqual([]);
    }
  });
});
