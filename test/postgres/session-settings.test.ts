import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPool } from '../../src/mirror/connection/postgres.ts';
import { readStatus } from '../../src/operations/status/mirror-status.ts';
import type { RunOptions } from '../../src/sync/run/table-job.ts';
import { freshRole, type TestRole } from '../support/database.ts';
import { silent } from '../support/mirror.ts';
import { allDifferences } from '../support/oracle.ts';
import { failures, SyncBench } from '../support/sync.ts';

const TABLE = 'account';

/** Settings as an administrator may have left them, which change what is stored, or stop a table, unless they are pinned. */
const HOSTILE: readonly (readonly [name: string, value: string])[] = [
  ['statement_timeout', '1ms'],
  ['lock_timeout', '1ms'],
  ['transaction_timeout', '30ms'],
  ['idle_in_transaction_session_timeout', '1ms'],
  ['client_encoding', 'LATIN1'],
  ['datestyle', 'German, DMY'],
  ['timezone', 'Asia/Kathmandu'],
  ['array_nulls', 'off'],
  ['standard_conforming_strings', 'off'],
  ['quote_all_identifiers', 'on'],
  ['search_path', 'hostile, pg_catalog'],
  ['exit_on_error', 'on'],
  ['default_transaction_isolation', 'serializable'],
  ['default_transaction_read_only', 'on'],
  ['default_table_access_method', 'nosuch'],
  ['session_replication_role', 'replica'],
];

/** Settings that were harmless all along, or that nobody but a superuser may undo. */
const HARMLESS: typeof HOSTILE = [
  ['idle_session_timeout', '600ms'],
  ['escape_string_warning', 'on'],
  ['intervalstyle', 'sql_standard'],
  ['extra_float_digits', '-15'],
  ['bytea_output', 'escape'],
  ['xmloption', 'document'],
  ['row_security', 'on'],
  ['tcp_user_timeout', '1'],
  ['backslash_quote', 'off'],
  ['client_min_messages', 'debug5'],
  ['debug_parallel_query', 'regress'],
  ['restrict_nonsystem_relation_kind', 'view'],
  ['default_transaction_deferrable', 'on'],
  ['transform_null_equals', 'on'],
  ['default_tablespace', 'nosuch'],
  ['temp_tablespaces', 'nosuch'],
  ['synchronous_commit', 'off'],
  ['lc_messages', 'C'],
  ['lc_numeric', 'C'],
  ['check_function_bodies', 'off'],
  ['stats_fetch_consistency', 'snapshot'],
  ['constraint_exclusion', 'on'],
  ['plan_cache_mode', 'force_generic_plan'],
  ['work_mem', '64kB'],
  ['temp_buffers', '800kB'],
  ['enable_hashjoin', 'off'],
  ['enable_indexscan', 'off'],
  ['track_activities', 'off'],
];

describe('the mirror of a role with hostile settings', () => {
  let bench: SyncBench;
  let role: TestRole;

  beforeAll(async () => {
    bench = await SyncBench.open({}, 'administrator');
    await bench.database.query('CREATE SCHEMA hostile');
    await bench.database.query(
      `CREATE FUNCTION hostile.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT timestamptz '1970-01-01 00:00Z' $$`,
    );
    role = await freshRole(bench.database);
    await bench.database.query(
      `GRANT USAGE ON SCHEMA hostile TO ${role.name};
       DO $$ BEGIN EXECUTE format('GRANT CREATE, TEMPORARY ON DATABASE %I TO ${role.name}', current_database()); END $$`,
    );
    bench.emulator.store.seed(TABLE, 20);
  });
  afterAll(async () => {
    await role.drop();
    await bench[Symbol.asyncDispose]();
  });

  async function setAll(settings: readonly (readonly [name: string, value: string])[]): Promise<void> {
    const known = await bench.database.query<{ name: string }>(
      'SELECT lower(name) AS name FROM pg_settings WHERE lower(name) = ANY ($1)',
      [settings.map(([name]) => name)],
    );
    // Earlier versions of PostgreSQL do not have all of them.
    const names = new Set(known.map(({ name }) => name));
    const statements = settings.flatMap(([name, value]) => {
      if (!names.has(name)) return [];
      const quoted = name === 'search_path' ? value : `'${value}'`;
      return `ALTER ROLE ${role.name} SET ${name} = ${quoted}`;
    });
    await bench.database.query([`ALTER ROLE ${role.name} RESET ALL`, ...statements].join('; '));
  }

  /** New and changed rows, a deletion, an idle run and a look at the status, each on new connections. */
  async function everything(run: RunOptions = {}) {
    const { store } = bench.emulator;
    const options = { databaseUrl: role.url };
    const [first = '', second = ''] = store.seed(TABLE, 3);
    const failed = [failures(await bench.sync([TABLE], options))];
    store.update(TABLE, first, { name: "it's \\n a «name» of 1/2/2026 – ’’" });
    store.remove(TABLE, second);
    failed.push(failures(await bench.sync([TABLE], options, run)));
    failed.push(failures(await bench.sync([TABLE], options)));
    const [row] = await bench.database.query<{ recent: boolean }>(
      `SELECT bool_and(_mirrored_at > pg_catalog.now() - interval '1 minute' AND _mirrored_at <= pg_catalog.now()) AS recent FROM dataverse.account`,
    );
    const shown = { schema: 'dataverse', stateSchema: 'mirrorverse' };
    const pool = openPool({ url: role.url, connections: 1, idleInTransaction: 10_000 }, silent);
    try {
      const choice = { entries: [], leftOut: [] };
      const wishes = { url: undefined, choice, requestsPer5Minutes: 6_000 };
      const { tables } = await readStatus({ ...shown, pool }, wishes);
      const age = Math.abs(Date.parse(tables[0]?.lastSuccessAt ?? '') - Date.now());
      return {
        failed,
        differences: await allDifferences(store, bench.database, [TABLE]),
        times: [row?.recent, age < 60_000],
      };
    } finally {
      await pool.end();
    }
  }
  const EXACT = { failed: [{}, {}, {}], differences: [], times: [true, true] };

  it.each(HOSTILE)('the mirror of a role whose %s is %s is exact', async (...setting) => {
    await setAll([setting]);
    expect(await everything()).toEqual(EXACT);
  });

  it('the mirror of a role with every hostile setting at once is exact, and reloads and sweeps', async () => {
    await setAll([...HOSTILE, ...HARMLESS]);
    expect(await everything({ restart: true })).toEqual(EXACT);
  });

  it('the mirror of a superuser with every hostile setting is exact, and triggers of others still fire', async () => {
    await bench.database.query(`ALTER ROLE ${role.name} SUPERUSER;
      CREATE TABLE dataverse.seen (key uuid);
      CREATE FUNCTION dataverse.note() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN INSERT INTO dataverse.seen VALUES (new.accountid); RETURN new; END $$;
      CREATE TRIGGER note AFTER INSERT ON dataverse.account FOR EACH ROW EXECUTE FUNCTION dataverse.note()`);
    expect(await everything()).toEqual(EXACT);
    expect(await bench.database.query('SELECT FROM dataverse.seen')).not.toEqual([]);
  });
});
