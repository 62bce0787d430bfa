import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failedFinding, runCheck } from '../support/check-document.ts';
import { CommandLine } from '../support/command-line.ts';
import { freshRole } from '../support/database.ts';
import { mirrorEnvironment } from '../support/mirror-environment.ts';
import { allDifferences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';

const TABLE = 'account';

/** A trigger that drops every row. */
const DROPPING = (on: string, table = 'dataverse.account') => `
  CREATE SCHEMA IF NOT EXISTS theirs;
  CREATE OR REPLACE FUNCTION theirs.drop_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
  CREATE TRIGGER "their trigger" BEFORE ${on} ON ${table} FOR EACH ROW EXECUTE FUNCTION theirs.drop_row()`;
/** A trigger of which the function has a body. */
const UNDOING = (body: string, trigger: string) => `
  CREATE SCHEMA theirs;
  CREATE FUNCTION theirs.undo() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} END $$;
  ${trigger} EXECUTE FUNCTION theirs.undo()`;
const UNDROP = 'DROP TRIGGER "their trigger" ON dataverse.account';

describe('a table whose rows are dropped or changed by other owners', () => {
  let bench: SyncBench;

  beforeEach(async () => {
    bench = await SyncBench.open({}, 'administrator');
  });
  afterEach(async () => bench[Symbol.asyncDispose]());

  const sync = async (restart = false) => failures(await bench.sync([TABLE], {}, { restart }));
  const differ = async () => allDifferences(bench.emulator.store, bench.database, [TABLE]);
  const SWALLOWED = { [TABLE]: 'rows-swallowed' };

  it('a table stops where a trigger drops its rows as they come, in a first load, and goes on once the trigger is gone', async () => {
    expect(await sync()).toEqual({});
    await bench.database.query('TRUNCATE dataverse.account');
    await bench.database.query(DROPPING('INSERT'));
    bench.emulator.store.seed(TABLE, 5);
    expect(await sync()).toEqual(SWALLOWED);
    await bench.database.query(UNDROP);
    expect(await sync()).toEqual({});
    expect(await differ()).toEqual([]);
  });

  it('a table stops where a trigger drops its rows as they come, in a delta and in a re-baseline', async () => {
    const [first = ''] = bench.emulator.store.seed(TABLE, 5);
    expect(await sync()).toEqual({});
    await bench.database.query(DROPPING('INSERT OR UPDATE'));
    bench.emulator.store.update(TABLE, first, { name: 'changed' });
    expect(await sync()).toEqual(SWALLOWED);
    expect(await sync(true)).toEqual(SWALLOWED);
    await bench.database.query(UNDROP);
    expect(await sync()).toEqual({});
    expect(await differ()).toEqual([]);
  });

  it('a table stops where a trigger keeps its rows from being deleted, in a delta and in a sweep', async () => {
    const [first = '', second = ''] = bench.emulator.store.seed(TABLE, 5);
    expect(await sync()).toEqual({});
    await bench.database.query(DROPPING('DELETE'));
    bench.emulator.store.remove(TABLE, first);
    expect(await sync()).toEqual(SWALLOWED);
    bench.emulator.store.remove(TABLE, second);
    expect(await sync(true)).toEqual(SWALLOWED);
    await bench.database.query(UNDROP);
    expect(await sync()).toEqual({});
    expect(await differ()).toEqual([]);
  });

  it.each([
    [
      'deletes each row again',
      'AFTER INSERT OR UPDATE',
      'ROW',
      'DELETE FROM dataverse.account WHERE accountid = new.accountid; RETURN NULL;',
    ],
    [
      'deletes all rows again after each statement',
      'AFTER INSERT OR UPDATE',
      'STATEMENT',
      'DELETE FROM dataverse.account; RETURN NULL;',
    ],
    ['keeps old rows', 'BEFORE UPDATE', 'ROW', 'RETURN old;'],
    [
      'puts deleted rows back',
      'AFTER DELETE',
      'ROW',
      'INSERT INTO dataverse.account SELECT old.*; RETURN NULL;',
    ],
  ])(
    'a table stops where a trigger %s, and goes on once the trigger is gone',
    async (_, when, level, body) => {
      const [first = '', second = ''] = bench.emulator.store.seed(TABLE, 5);
      expect(await sync()).toEqual({});
      await bench.database.query(
        UNDOING(body, `CREATE TRIGGER "their trigger" ${when} ON dataverse.account FOR EACH ${level}`),
      );
      bench.emulator.store.update(TABLE, first, { name: 'changed' });
      bench.emulator.store.remove(TABLE, second);
      expect(await sync()).toEqual(SWALLOWED);
      await bench.database.query(UNDROP);
      expect(await sync()).toEqual({});
      expect(await differ()).toEqual([]);
    },
  );

  it('a table stops where a trigger deletes its rows when the transaction ends, in a first load and in a delta', async () => {
    expect(await sync()).toEqual({});
    await bench.database.query('TRUNCATE dataverse.account');
    await bench.database.query(
      UNDOING(
        'DELETE FROM dataverse.account WHERE accountid = new.accountid; RETURN NULL;',
        `CREATE CONSTRAINT TRIGGER "their trigger" AFTER INSERT OR UPDATE ON dataverse.account
          DEFERRABLE INITIALLY DEFERRED FOR EACH ROW`,
      ),
    );
    const [first = ''] = bench.emulator.store.seed(TABLE, 5);
    expect(await sync()).toEqual(SWALLOWED);
    await bench.database.query('ALTER TABLE dataverse.account DISABLE TRIGGER "their trigger"');
    expect(await sync()).toEqual({});
    await bench.database.query('ALTER TABLE dataverse.account ENABLE TRIGGER "their trigger"');
    bench.emulator.store.update(TABLE, first, { name: 'changed' });
    expect(await sync()).toEqual(SWALLOWED);
    await bench.database.query(UNDROP);
    expect(await sync()).toEqual({});
    expect(await differ()).toEqual([]);
  });

  it('a table stops where neither the mirror table nor quarantine takes its rows, and the failure names quarantine', async () => {
    bench.emulator.store.seed(TABLE, 5);
    expect(await sync()).toEqual({});
    await bench.database.query(`${DROPPING('INSERT', 'mirrorverse.quarantine')};
      ALTER TABLE dataverse.account ADD CONSTRAINT theirs CHECK (name <> 'refused')`);
    const [first = ''] = bench.emulator.store.seed(TABLE, 2);
    bench.emulator.store.update(TABLE, first, { name: 'refused' });
    const [result] = await bench.sync([TABLE]);
    expect(result?.failure?.code).toBe('rows-swallowed');
    expect(result?.failure?.message).toContain('"mirrorverse"."quarantine"');
    await bench.database.query('DROP TRIGGER "their trigger" ON mirrorverse.quarantine');
    expect(await sync()).toEqual({});
    expect(await bench.database.query('SELECT FROM mirrorverse.quarantine')).toHaveLength(1);
  });

  it('a table stops where a trigger drops the marks of its rows, in a delta and in a re-baseline, and the failure names the mark', async () => {
    const [first = ''] = bench.emulator.store.seed(TABLE, 5);
    expect(await sync()).toEqual({});
    await bench.database.query(DROPPING('INSERT OR UPDATE', 'dataverse._loads'));
    bench.emulator.store.update(TABLE, first, { name: 'changed' });
    for (const restart of [false, true]) {
      const [result] = await bench.sync([TABLE], {}, { restart });
      expect(result?.failure?.code).toBe('rows-swallowed');
      expect(result?.failure?.message).toContain('"dataverse"."_loads"');
    }
    await bench.database.query('DROP TRIGGER "their trigger" ON dataverse._loads');
    expect(await sync()).toEqual({});
    expect(await differ()).toEqual([]);
  });

  it('rows that a deferred constraint refuses go to quarantine, and the others are stored', async () => {
    const [first = ''] = bench.emulator.store.seed(TABLE, 5);
    expect(await sync()).toEqual({});
    await bench.database.query(
      'ALTER TABLE dataverse.account ADD CONSTRAINT theirs UNIQUE (telephone1) DEFERRABLE INITIALLY DEFERRED',
    );
    const [second = '', third = ''] = bench.emulator.store.seed(TABLE, 2);
    for (const key of [first, second]) bench.emulator.store.update(TABLE, key, { telephone1: 'the same' });
    bench.emulator.store.update(TABLE, third, { name: 'stored', telephone1: 'another' });
    expect(await sync()).toEqual({});
    expect(await bench.database.query('SELECT * FROM mirrorverse.quarantine')).toEqual([
      expect.objectContaining({ sqlstate: '23505' }),
    ]);
    expect(await bench.database.query(`SELECT FROM dataverse.account WHERE name = 'stored'`)).toHaveLength(1);
  });

  it('a table stops where a rule replaces its rows', async () => {
    const [first = ''] = bench.emulator.store.seed(TABLE, 5);
    expect(await sync()).toEqual({});
    await bench.database.query('CREATE RULE theirs AS ON UPDATE TO dataverse.account DO INSTEAD NOTHING');
    bench.emulator.store.update(TABLE, first, { name: 'changed' });
    expect(await sync()).toEqual(SWALLOWED);
    await bench.database.query('DROP RULE theirs ON dataverse.account');
    expect(await sync()).toEqual({});
    expect(await differ()).toEqual([]);
  });

  it('a table goes on where a trigger changes its rows on their way in', async () => {
    bench.emulator.store.seed(TABLE, 5);
    expect(await sync()).toEqual({});
    await bench.database.query(`CREATE SCHEMA theirs;
      CREATE FUNCTION theirs.change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.name := 'theirs'; RETURN new; END $$;
      CREATE TRIGGER change BEFORE INSERT OR UPDATE ON dataverse.account FOR EACH ROW EXECUTE FUNCTION theirs.change()`);
    bench.emulator.store.seed(TABLE, 5);
    expect(await sync()).toEqual({});
    expect(await sync(true)).toEqual({});
  });
});

it('a table stops where policies hide its rows from the role, and check says so', async () => {
  await using bench = await SyncBench.open({}, 'administrator');
  const { store } = bench.emulator;
  const role = await freshRole(bench.database);
  const options = { databaseUrl: role.url };
  const sync = async () => failures(await bench.sync([TABLE], options));
  try {
    await bench.database.query(
      `DO $$ BEGIN EXECUTE format('GRANT CREATE, TEMPORARY ON DATABASE %I TO ${role.name}', current_database()); END $$`,
    );
    const [first = ''] = store.seed(TABLE, 5);
    expect(await sync()).toEqual({});
    await bench.database.query(`ALTER TABLE dataverse.account ENABLE ROW LEVEL SECURITY;
      ALTER TABLE dataverse.account FORCE ROW LEVEL SECURITY;
      CREATE POLICY few ON dataverse.account USING (accountid <> '${first}') WITH CHECK (true)`);
    store.update(TABLE, first, { name: 'hidden' });
    expect(await sync()).toEqual({ [TABLE]: 'row-security' });
    const environment = mirrorEnvironment({ url: bench.url, database: role }, [TABLE]);
    await using cli = await CommandLine.open(environment);
    const finding = failedFinding(await runCheck(cli), 'postgres.row-security');
    expect(finding).toMatchObject({ code: 'row-security', subject: 'dataverse.account' });
    expect((await cli.run(['status'])).status).toBe(0);
    await bench.database.query('ALTER TABLE dataverse.account NO FORCE ROW LEVEL SECURITY');
    expect(await sync()).toEqual({});
    expect(await allDifferences(store, bench.database, [TABLE])).toEqual([]);
  } finally {
    await role.drop();
  }
});
