import { randomBytes } from 'node:crypto';
import { Client, Pool, type QueryResultRow } from 'pg';
import { inject } from 'vitest';
import './database-server.ts';

/** A new, empty database of one test. */
export interface TestDatabase extends AsyncDisposable {
  /** For what is tested: of the role that `TEST_DATABASE_ROLE` asks for. */
  readonly url: string;
  /** For the test itself: an administrator's. */
  readonly pool: Pool;
  /** Runs one statement and returns its rows. */
  query<T extends QueryResultRow = Record<string, unknown>>(
    sql: string,
    parameters?: unknown[],
  ): Promise<T[]>;
  /** Ends the pool and drops the database, whoever is still connected to it. */
  drop(): Promise<void>;
}

/** A superuser's connection URL of the server of this test run. */
export function databaseServerUrl(): string {
  return inject('databaseUrl');
}

/**
 * `administrator`: may do anything. `least`: has exactly the grants that docs/operations.md gives, in
 * schemas that an administrator has made.
 */
export type DatabaseRole = 'administrator' | 'least';

/** The schemas that the tests configure. */
const SCHEMAS = [
  'dataverse',
  'mirrorverse',
  'dataverse_history',
  'dataverse_labeled',
  'dbo',
  'synapse',
  'dynamics_365',
  'bericht',
  'crm',
  'crm_state',
];

/**
 * Creates an empty database with a random name; `await using` or `drop()` removes it.
 *
 * @param role whose `url` is; that of `TEST_DATABASE_ROLE` where the test does not care.
 */
export async function freshDatabase(role = roleOfTheRun()): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await runOnServer(`create database ${name}`);
  const address = new URL(databaseServerUrl());
  address.pathname = `/${name}`;
  const administrator = address.href;
  const pool = new Pool({ connectionString: administrator, max: 5 });
  // Dropping with force ends connections from the server's side; that is no failure of the test.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  const url = role === 'least' ? await grantLeast(pool, address) : administrator;
  let dropped: Promise<void> | undefined;
  const drop = async (): Promise<void> => {
    dropped ??= endAndDrop(pool, name);
    return dropped;
  };
  return {
    url,
    pool,
    query: async <T extends QueryResultRow>(sql: string, parameters: unknown[] = []) =>
      (await pool.query<T>(sql, parameters)).rows,
    drop,
    [Symbol.asyncDispose]: drop,
  };
}

function roleOfTheRun(): DatabaseRole {
  const asked = process.env['TEST_DATABASE_ROLE'] ?? '';
  if (asked === '' || asked === 'administrator') return 'administrator';
  if (asked === 'least') return 'least';
  throw new Error(`TEST_DATABASE_ROLE is neither administrator nor least: ${asked}`);
}

/** Makes a role named as its database, with the grants of docs/operations.md and no other; returns its URL. */
async function grantLeast(pool: Pool, database: URL): Promise<string> {
  const address = new URL(database);
  const name = address.pathname.slice(1);
  address.username = name;
  address.password = randomBytes(12).toString('hex');
  const inSchemas = SCHEMAS.map((schema) => `"${schema}"`).join(', ');
  await pool.query(`
    create role ${name} login password '${address.password}' nosuperuser nocreatedb nocreaterole;
    revoke all on database ${name} from public;
    revoke all on schema public from public;
    grant connect, temporary on database ${name} to ${name};
    ${SCHEMAS.map((schema) => `create schema "${schema}";`).join('\n')}
    grant usage, create on schema ${inSchemas} to ${name};
  `);
  return address.href;
}

/** A new role of one test, which may log in and nothing else. */
export interface TestRole extends AsyncDisposable {
  readonly name: string;
  /** The database as this role. */
  readonly url: string;
  /** Ends its sessions, and drops it with what it owns and may do in the database. */
  drop(): Promise<void>;
}

/** Creates a role with a random name, as `freshDatabase` a database. */
export async function freshRole({ pool, url }: TestDatabase): Promise<TestRole> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  const address = new URL(url);
  address.username = name;
  address.password = randomBytes(12).toString('hex');
  await pool.query(`create role ${name} login password '${address.password}'`);
  let dropped: Promise<unknown> | undefined;
  const drop = async (): Promise<void> => {
    dropped ??= pool.query(`
      select pg_terminate_backend(pid) from pg_stat_activity where usename = '${name}';
      drop owned by ${name} cascade;
      drop role ${name};
    `);
    await dropped;
  };
  return { name, url: address.href, drop, [Symbol.asyncDispose]: drop };
}

async function endAndDrop(pool: Pool, name: string): Promise<void> {
  // Not awaited before the drop: a client that a test has not given back would hold it up for ever.
  const ended = pool.ended ? Promise.resolve() : pool.end();
  ended.catch(() => undefined);
  await runOnServer(`drop database if exists ${name} with (force)`);
  await runOnServer(`drop role if exists ${name}`);
}

async function runOnServer(sql: string): Promise<void> {
  const client = new Client({ connectionString: databaseServerUrl() });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
