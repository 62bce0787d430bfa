import { randomBytes } from 'node:crypto';
import { Client, Pool, type QueryResultRow } from 'pg';
import { inject } from 'vitest';
import './database-server.ts';

/** A new, empty database of one test. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
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

/** Creates an empty database with a random name; `await using` or `drop()` removes it. */
export async function freshDatabase(): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await runOnServer(`create database ${name}`);
  const address = new URL(databaseServerUrl());
  address.pathname = `/${name}`;
  const url = address.href;
  const pool = new Pool({ connectionString: url, max: 5 });
  // Dropping with force ends connections from the server's side; that is no failure of the test.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
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

async function endAndDrop(pool: Pool, name: string): Promise<void> {
  // Not awaited before the drop: a client that a test has not given back would hold it up for ever.
  const ended = pool.ended ? Promise.resolve() : pool.end();
  ended.catch(() => undefined);
  await runOnServer(`drop database if exists ${name} with (force)`);
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
