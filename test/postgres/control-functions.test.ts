import { Pool, type QueryResultRow } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openMirrorDatabase } from '../../src/mirror/database.ts';
import { openMirror } from '../../src/mirror/mirror.ts';
import { migrateState } from '../../src/mirror/state/migrations.ts';
import { controlTable, controlTables } from '../../src/operations/control/control-table.ts';
import { clusterPlace, type ClusterPlace } from '../support/cluster-support.ts';
import { mirrorOptions, ORGANIZATION, silent } from '../support/mirror.ts';

const STATE = 'State "of" mirrors';
const IN_STATE = '"State ""of"" mirrors"';
const DAY = 86_400_000;
const ROLES = ['mirrorverse_operator', 'mirrorverse_reader', 'olga', 'rita', 'nobody'];

/** A cluster of its own, because roles belong to the whole cluster, and two environments with one state schema. */
describe('the functions that control tables', () => {
  let place: ClusterPlace;
  let admin: Pool;
  let url: string;

  const options = (schema: string) => mirrorOptions(url, { schema, stateSchema: STATE });

  const openEnvironment = async (schema: string, organizationId: string): Promise<void> => {
    const database = openMirrorDatabase(options(schema), silent);
    const seen = { url: `https://${schema}`, organizationId, linkLifeDays: 10 };
    await openMirror(database, options(schema), seen, ['account', 'lead', `only_${schema}`]);
    await database.close();
  };

  /** Runs one statement as a role, and returns its rows, or the SQLSTATE and the message of its refusal. */
  const as = async (role: string, sql: string, values: unknown[] = []): Promise<unknown> => {
    const address = new URL(url);
    address.username = role;
    address.password = 'secret';
    const pool = new Pool({ connectionString: address.href, max: 1 });
    try {
      return (await pool.query(sql, values)).rows;
    } catch (error) {
      const { code, message, hint } = error as { code: string; message: string; hint?: string };
      return { code, message, hint };
    } finally {
      await pool.end();
    }
  };
  const query = async <T extends QueryResultRow>(sql: string): Promise<T[]> =>
    (await admin.query<T>(sql)).rows;

  beforeAll(async () => {
    place = await clusterPlace();
    ({ url } = await place.open());
    admin = new Pool({ connectionString: url, max: 2 });
    for (const role of ROLES) {
      await admin.query(`CREATE ROLE ${role} ${role.includes('_') ? '' : `LOGIN PASSWORD 'secret'`}`);
    }
    await admin.query('GRANT mirrorverse_operator TO olga; GRANT mirrorverse_reader TO rita');
    await admin.query('CREATE SCHEMA dataverse; CREATE SCHEMA uk');
    await openEnvironment('dataverse', ORGANIZATION);
    await openEnvironment('uk', ORGANIZATION.replace(/1$/, '2'));
  }, 60_000);
  afterAll(async () => {
    await admin.end();
    await place[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await admin.query(
      `UPDATE ${IN_STATE}.tables SET paused_at = NULL, paused_until = NULL, paused_reason = NULL, resync_asked_at = NULL, verify_asked_at = NULL,
              phase = 'delta', link = 'https://org/secret', link_kind = 'delta', link_issued_at = now() - interval '2 days'`,
    );
    await admin.query(`TRUNCATE ${IN_STATE}.commands`);
  });

  const stateOf = async (table: string, schema = 'dataverse') => {
    const [row] = await query<{
      at: Date | null;
      until: Date | null;
      reason: string | null;
      resync: Date | null;
      verify: Date | null;
    }>(
      `SELECT paused_at AS at, paused_until AS until, paused_reason AS reason, resync_asked_at AS resync,
              verify_asked_at AS verify
         FROM ${IN_STATE}.tables JOIN ${IN_STATE}.environments e ON e.id = environment_id
        WHERE "table" = '${table}' AND mirror_schema = '${schema}'`,
    );
    return row;
  };
  const commands = async () =>
    query<{ command: string; asked_via: string }>(
      `SELECT "table", command, reason, asked_by, asked_via FROM ${IN_STATE}.commands ORDER BY id`,
    );

  it('an operator pauses, resumes, resyncs and verifies, and can read and write nothing', async () => {
    const until = new Date(Date.now() + DAY);
    const paused = await as('olga', `SELECT ${IN_STATE}.pause('only_uk', $1, 'audit')`, [until]);
    expect(paused).toEqual([{ pause: until }]);
    expect(await stateOf('only_uk', 'uk')).toMatchObject({ until, reason: 'audit', resync: null });
    expect(await as('olga', `SELECT ${IN_STATE}.resync(table_name => 'only_uk')`)).toEqual([
      { resync: null },
    ]);
    expect(await as('olga', `SELECT ${IN_STATE}.resume('only_uk')`)).toEqual([{ resume: null }]);
    expect(await as('olga', `SELECT ${IN_STATE}.verify('only_uk')`)).toEqual([{ verify: null }]);
    const after = await stateOf('only_uk', 'uk');
    expect(after).toMatchObject({ at: null, until: null, reason: null });
    expect(after?.resync).toBeInstanceOf(Date);
    expect(after?.verify).toBeInstanceOf(Date);
    const by = { table: 'only_uk', asked_by: 'olga', asked_via: 'sql' };
    expect(await commands()).toEqual([
      { ...by, command: 'pause', reason: 'audit' },
      { ...by, command: 'resync', reason: null },
      { ...by, command: 'resume', reason: null },
      { ...by, command: 'verify', reason: null },
    ]);
    for (const table of ['tables', 'quarantine', 'runs', 'commands', 'environments', 'definitions']) {
      for (const role of ['olga', 'rita']) {
        expect(await as(role, `SELECT FROM ${IN_STATE}.${table}`)).toMatchObject({ code: '42501' });
        expect(await as(role, `DELETE FROM ${IN_STATE}.${table}`)).toMatchObject({ code: '42501' });
      }
    }
  });

  it('nobody else may call the functions, and no role may call the one behind them', async () => {
    for (const role of ['rita', 'nobody']) {
      expect(await as(role, `SELECT ${IN_STATE}.pause('only_uk')`)).toMatchObject({ code: '42501' });
    }
    const behind = `SELECT ${IN_STATE}.act_on_table('pause', 'only_uk', NULL, NULL)`;
    expect(await as('olga', behind)).toMatchObject({ code: '42501' });
    expect(await stateOf('only_uk', 'uk')).toMatchObject({ at: null });
  });

  it('objects of the caller do not stand in for those that the functions use', async () => {
    const fake = `CREATE TEMP TABLE tables AS SELECT 1 AS x; CREATE FUNCTION pg_temp.clock_timestamp() RETURNS timestamptz
      LANGUAGE sql AS 'SELECT now() - interval ''9 days'''; SET search_path = pg_temp, public;`;
    await as('olga', `${fake} SELECT ${IN_STATE}.pause('only_uk')`);
    expect((await stateOf('only_uk', 'uk'))?.at?.getTime()).toBeGreaterThan(Date.now() - DAY);
  });

  it('a pause without an end ends at 80 % of the life of the delta link, and a table without one stays paused', async () => {
    await admin.query(`SELECT ${IN_STATE}.pause('only_uk')`);
    const [link] = await query<{ issued: Date }>(
      `SELECT link_issued_at AS issued FROM ${IN_STATE}.tables WHERE "table" = 'only_uk'`,
    );
    expect(await stateOf('only_uk', 'uk')).toMatchObject({
      until: new Date((link?.issued.getTime() ?? 0) + 8 * DAY),
    });
    await admin.query(`UPDATE ${IN_STATE}.tables SET phase = 'baseline', link_kind = 'next'`);
    await admin.query(`SELECT ${IN_STATE}.pause('only_uk')`);
    expect(await stateOf('only_uk', 'uk')).toMatchObject({ until: null });
  });

  it('a second pause keeps its beginning, and a pause after one that has ended begins anew', async () => {
    await admin.query(`SELECT ${IN_STATE}.pause('only_uk', reason => 'first')`);
    const first = await stateOf('only_uk', 'uk');
    await admin.query(`SELECT ${IN_STATE}.pause('only_uk', now() + interval '1 hour')`);
    expect(await stateOf('only_uk', 'uk')).toMatchObject({ at: first?.at, reason: null });
    await admin.query(`UPDATE ${IN_STATE}.tables SET paused_until = now() - interval '1 second'`);
    await admin.query(`SELECT ${IN_STATE}.pause('only_uk')`);
    expect((await stateOf('only_uk', 'uk'))?.at?.getTime()).toBeGreaterThan(first?.at?.getTime() ?? 0);
  });

  it('a pause that would be over at once, an unknown table and an ambiguous one are refused with a reason', async () => {
    const pause = async (text: string): Promise<unknown> => as('olga', `SELECT ${IN_STATE}.pause(${text})`);
    expect(await pause(`'only_uk', now() - interval '1 hour'`)).toMatchObject({
      code: 'MV003',
      message: 'The pause of table only_uk needs an end in the future.',
    });
    await admin.query(`UPDATE ${IN_STATE}.tables SET link_issued_at = now() - interval '9 days'`);
    expect(await pause(`'only_uk'`)).toMatchObject({ code: 'MV003' });
    for (const name of ['acount', 'uk.only_dataverse', 'elsewhere.account', '', 'account.']) {
      expect(await pause(`'${name}'`)).toMatchObject({ code: 'MV001' });
    }
    expect(await pause('NULL')).toMatchObject({ code: 'MV001' });
    expect(await as('olga', `SELECT ${IN_STATE}.resync('account')`)).toMatchObject({
      code: 'MV002',
      hint: 'Name the table with its mirror schema: dataverse.account or uk.account.',
    });
    expect(await commands()).toEqual([]);
  });

  it('a name with its mirror schema means the table of one environment', async () => {
    await as('olga', `SELECT ${IN_STATE}.pause('uk.account')`);
    expect((await stateOf('account', 'uk'))?.at).toBeInstanceOf(Date);
    expect((await stateOf('account'))?.at).toBeNull();
  });

  it('command line and HTTP call the same functions, and the record says which of them it was', async () => {
    const database = openMirrorDatabase(options('uk'), silent);
    const until = new Date(Date.now() + DAY);
    const account = await controlTable(database, {
      command: 'pause',
      table: 'account',
      until,
      reason: 'why',
      via: 'http',
    });
    expect(account).toMatchObject({
      table: 'account',
      paused: { until: until.toISOString(), reason: 'why' },
      resyncAskedAt: null,
    });
    expect((await stateOf('account'))?.at).toBeNull();
    const acts = ['lead', 'account'].map((table) => ({ command: 'resync' as const, table }));
    expect(await controlTables(database, acts, 'cli')).toMatchObject([
      { table: 'lead', paused: null, resyncAskedAt: expect.any(String) as string },
      { table: 'account', resyncAskedAt: expect.any(String) as string },
    ]);
    expect(await controlTable(database, { command: 'verify', table: 'lead', via: 'http' })).toMatchObject({
      verifyAskedAt: expect.any(String) as string,
    });
    expect((await commands()).map(({ asked_via: via }) => via)).toEqual(['http', 'cli', 'cli', 'http']);
    const both = [
      { command: 'resume' as const, table: 'lead' },
      { command: 'resume' as const, table: 'acount' },
    ];
    await expect(controlTables(database, both, 'cli')).rejects.toMatchObject({
      code: 'table-not-known',
      remedy: 'Did you mean account?',
    });
    expect(await commands()).toHaveLength(4);
    const past = { command: 'pause', table: 'lead', until: new Date(0), via: 'cli' } as const;
    await expect(controlTable(database, past)).rejects.toMatchObject({ code: 'pause-without-effect' });
    await database.close();
  });

  it('a session that listens is told of each act', async () => {
    const client = await admin.connect();
    const told: (string | undefined)[] = [];
    client.on('notification', ({ payload }) => told.push(payload));
    await client.query('LISTEN mirrorverse_commands');
    await as('olga', `SELECT ${IN_STATE}.resync('only_uk')`);
    await expect.poll(() => told).toEqual(['resync only_uk']);
    client.release(true);
  });

  it('the functions come back when they were changed or dropped, and their grants with them', async () => {
    await admin.query(`DROP FUNCTION ${IN_STATE}.resume(text);
      CREATE OR REPLACE FUNCTION ${IN_STATE}.resync(table_name text) RETURNS void LANGUAGE sql AS '';
      REVOKE EXECUTE ON FUNCTION ${IN_STATE}.resync(text) FROM mirrorverse_operator`);
    const database = openMirrorDatabase(options('uk'), silent);
    expect(await migrateState(database)).toEqual({ applied: 0, grantsLeft: [] });
    await database.close();
    await as('olga', `SELECT ${IN_STATE}.resync('only_uk')`);
    await as('olga', `SELECT ${IN_STATE}.resume('only_uk')`);
    expect((await commands()).map(({ command }) => command)).toEqual(['resync', 'resume']);
    expect(await as('nobody', `SELECT ${IN_STATE}.resume('only_uk')`)).toMatchObject({ code: '42501' });
  });

  it('a role that may use the mirror schema reads how fresh its tables are, and nothing else', async () => {
    await admin.query('GRANT USAGE ON SCHEMA uk TO nobody');
    await admin.query(`UPDATE ${IN_STATE}.tables SET last_success_at = now() - interval '90 seconds', error_code = 'sweep-refused',
                              error_message = 'secret', selection = 'x', link = 'https://org/leads?$deltatoken=919042%2108%2f22%2f2026'
                       WHERE "table" = 'lead'`);
    await admin.query(`INSERT INTO ${IN_STATE}.verified (environment_id, "table", method, through_version, at, rows, differences, requests)
      SELECT id, 'lead', method, through, now() - age, 1, 0, 1 FROM ${IN_STATE}.environments,
        (VALUES ('values', 7, interval '1 hour'), ('sweep', 6, interval '2 hours')) AS v (method, through, age)`);
    await admin.query(`SELECT ${IN_STATE}.pause('uk.account')`);
    const fresh = (await as('nobody', 'SELECT * FROM uk._freshness ORDER BY table_name')) as Record<
      string,
      unknown
    >[];
    expect(fresh.map(({ table_name: name, phase }) => [name, phase])).toEqual([
      ['account', 'paused'],
      ['lead', 'attention'],
      ['only_uk', 'delta'],
    ]);
    expect(Object.keys(fresh[1] ?? {})).toEqual([
      'table_name',
      'phase',
      'last_success_at',
      'lag_seconds',
      'rows_loaded',
      'rows_expected',
      'complete_through_version',
      'verified_at',
      'verified_through_version',
    ]);
    expect(fresh[1]?.['lag_seconds']).toBeGreaterThanOrEqual(90);
    // The table has never succeeded: a greatest() of 0 and null is 0.
    expect(fresh[0]).toMatchObject({ last_success_at: null, lag_seconds: null });
    expect(fresh.map((row) => row['complete_through_version'])).toEqual([null, '919042', null]);
    expect(fresh.map((row) => row['verified_through_version'])).toEqual([null, '7', null]);
    expect(JSON.stringify(fresh)).not.toContain('secret');
    expect(await as('nobody', 'SELECT FROM dataverse._freshness')).toMatchObject({ code: '42501' });
    expect(await as('nobody', `SELECT FROM ${IN_STATE}.tables`)).toMatchObject({ code: '42501' });
  });

  it('a reader asks for the read point of each environment, and waits for that of one of them', async () => {
    await admin.query(
      `UPDATE ${IN_STATE}.tables SET selection = 'x', link = 'https://org/x?$deltatoken=' || CASE environment_id WHEN 1 THEN '70' ELSE '90' END || '%21x'`,
    );
    expect(
      await as('rita', `SELECT mirror_schema, version, behind_tables FROM ${IN_STATE}.read_point ORDER BY 1`),
    ).toEqual([
      { mirror_schema: 'dataverse', version: '70', behind_tables: [] },
      { mirror_schema: 'uk', version: '90', behind_tables: [] },
    ]);
    const reached = async (call: string): Promise<unknown> =>
      as('rita', `SELECT ${IN_STATE}.${call} AS reached`);
    expect(await reached(`await_version_of('uk', 90, '0')`)).toEqual([{ reached: true }]);
    expect(await reached(`await_version_of('dataverse', 71, '0.1 s')`)).toEqual([{ reached: false }]);
    expect(await reached(`await_version(70, '0')`)).toMatchObject({
      code: 'MV002',
      hint: 'Call await_version_of with the mirror schema: dataverse or uk.',
    });
    expect(await reached(`await_version_of('us', 70, '0')`)).toMatchObject({ code: 'MV001' });
    for (const role of ['olga', 'nobody']) {
      expect(await as(role, `SELECT FROM ${IN_STATE}.read_point`)).toMatchObject({ code: '42501' });
      expect(await as(role, `SELECT ${IN_STATE}.await_version(70, '0')`)).toMatchObject({ code: '42501' });
    }
    await admin.query(`DROP VIEW ${IN_STATE}.read_point`);
    const database = openMirrorDatabase(options('uk'), silent);
    expect(await migrateState(database)).toEqual({ applied: 0, grantsLeft: [] });
    await database.close();
    expect(await as('rita', `SELECT FROM ${IN_STATE}.read_point`)).toHaveLength(2);
  });

  it('a reader reads the change log with its rows, and nothing else of the state, and changes nothing', async () => {
    await admin.query(
      `INSERT INTO ${IN_STATE}.row_layouts (digest, names, kinds) VALUES ('', '{name,count}', '{text,number}');
       INSERT INTO ${IN_STATE}.logged_changes (environment_id, table_name, operation, layout, old_values, new_values)
       SELECT 1, 'account', 'u', id, '{NULL,1.0}', '{a,1.00}' FROM ${IN_STATE}.row_layouts`,
    );
    const changes = await as('rita', `SELECT columns, before::text, after::text FROM ${IN_STATE}.changes`);
    expect(changes).toEqual([
      { columns: ['count'], before: '{"name": "a", "count": 1.0}', after: '{"name": "a", "count": 1.00}' },
    ]);
    const refused = { code: '42501' };
    for (const statement of [
      `DELETE FROM ${IN_STATE}.changes`,
      `UPDATE ${IN_STATE}.changes SET key = NULL`,
      `SELECT FROM ${IN_STATE}.read_changes('rita', 1)`,
      `SELECT ${IN_STATE}.ack('rita', 1)`,
      `SELECT ${IN_STATE}.forget_consumer('rita')`,
    ]) {
      expect(await as('rita', statement)).toMatchObject(refused);
    }
    const hidden = await query<{ name: string }>(
      `SELECT quote_ident(relname) AS name FROM pg_class WHERE relnamespace = '${IN_STATE}'::regnamespace
          AND relkind IN ('r', 'p', 'v') AND relname NOT IN ('changes', 'read_point')`,
    );
    expect(hidden.length).toBeGreaterThan(10);
    for (const { name } of hidden) {
      expect(await as('rita', `SELECT FROM ${IN_STATE}.${name}`)).toMatchObject(refused);
    }
    for (const role of ['olga', 'nobody']) {
      expect(await as(role, `SELECT FROM ${IN_STATE}.changes`)).toMatchObject(refused);
    }
  });

  it('a role with the least rights controls tables, and leaves to an administrator what it may not grant', async () => {
    await admin.query(`CREATE ROLE least LOGIN PASSWORD 'secret'; CREATE SCHEMA own; CREATE SCHEMA mirrored;
      GRANT USAGE, CREATE ON SCHEMA own TO least; GRANT USAGE ON SCHEMA mirrored TO least`);
    const address = new URL(url);
    address.username = 'least';
    address.password = 'secret';
    const least = mirrorOptions(address.href, { schema: 'mirrored', stateSchema: 'own' });
    const database = openMirrorDatabase(least, silent);
    const seen = { url: 'https://least', organizationId: ORGANIZATION };
    const { grantsLeft } = await openMirror(database, least, seen, ['account']);
    expect(grantsLeft).toEqual([
      'GRANT USAGE ON SCHEMA "own" TO "mirrorverse_operator";',
      'GRANT USAGE ON SCHEMA "own" TO "mirrorverse_reader";',
    ]);
    expect(await query(`SELECT to_regclass('mirrored._freshness') AS view`)).toEqual([{ view: null }]);
    await admin.query(grantsLeft.join(' '));
    expect(await as('olga', `SELECT own.pause('account', reason => 'none') IS NULL AS endless`)).toEqual([
      { endless: true },
    ]);
    expect(await migrateState(database)).toMatchObject({ grantsLeft: [] });
    await database.close();
  });

  it('a view of somebody else keeps the name, and gives it back when it is dropped', async () => {
    await admin.query('DROP VIEW uk._freshness; CREATE VIEW uk._freshness AS SELECT 1 AS mine');
    const database = openMirrorDatabase(options('uk'), silent);
    await migrateState(database);
    expect(await query('SELECT * FROM uk._freshness')).toEqual([{ mine: 1 }]);
    await admin.query('DROP VIEW uk._freshness');
    await migrateState(database);
    expect(await query('SELECT table_name FROM uk._freshness')).toHaveLength(3);
    await database.close();
  });
});
