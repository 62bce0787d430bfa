import { join } from 'node:path';
import { readMigrationFiles } from '../../src/mirror/drizzle.ts';
import type { TestDatabase } from './database.ts';

const MIGRATIONS = join(import.meta.dirname, '..', '..', 'migrations');

/** How many migrations there are. */
export const MIGRATION_COUNT = readMigrationFiles({ migrationsFolder: MIGRATIONS }).length;

/**
 * Makes the state schema what an earlier version left: its migrations alone, and of the rows that are
 * there now what its tables have columns for.
 *
 * @param migrations how many of them that version had.
 */
export async function goBackTo(database: TestDatabase, migrations: number): Promise<void> {
  const client = await database.pool.connect();
  try {
    await client.query('BEGIN');
    await client.query('ALTER SCHEMA mirrorverse RENAME TO later');
    await client.query('CREATE SCHEMA mirrorverse');
    // An earlier version's tables belong to the daemon's role as well.
    const role = client.escapeIdentifier(decodeURIComponent(new URL(database.url).username));
    await client.query(`GRANT USAGE, CREATE ON SCHEMA mirrorverse TO ${role}`);
    await client.query(`SET LOCAL ROLE ${role}`);
    await client.query('SET LOCAL search_path TO mirrorverse');
    await client.query(
      'CREATE TABLE migrations (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, hash text NOT NULL, created_at bigint NOT NULL)',
    );
    const files = readMigrationFiles({ migrationsFolder: MIGRATIONS }).slice(0, migrations);
    for (const { sql, hash, folderMillis } of files) {
      for (const statement of sql) await client.query(statement);
      await client.query('INSERT INTO migrations (hash, created_at) VALUES ($1, $2)', [hash, folderMillis]);
    }
    const { rows } = await client.query<{ table: string; columns: string }>(
      `SELECT c.relname AS table, string_agg(quote_ident(a.attname), ', ') AS columns
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         -- A column that has another name by now stays empty.
         JOIN pg_attribute l ON l.attrelid = to_regclass('later.' || quote_ident(c.relname)) AND l.attname = a.attname
          AND NOT l.attisdropped
        WHERE c.relnamespace = 'mirrorverse'::regnamespace AND c.relkind = 'r' AND c.relname <> 'migrations'
        GROUP BY 1`,
    );
    for (const { table, columns } of rows) {
      await client.query(
        `INSERT INTO "${table}" (${columns}) OVERRIDING SYSTEM VALUE SELECT ${columns} FROM later."${table}"`,
      );
    }
    for (const table of ['environments', 'runs']) {
      await client.query(
        `SELECT setval(pg_get_serial_sequence($1, 'id'), (SELECT coalesce(max(id), 1) FROM "${table}"))`,
        [`mirrorverse.${table}`],
      );
    }
    await client.query('RESET ROLE');
    await client.query('DROP SCHEMA later CASCADE');
    await client.query('COMMIT');
  } finally {
    client.release(true);
  }
}

/** Everything in the state schema: tables and rows, with the transactions that wrote them. */
export async function stateOf(database: TestDatabase): Promise<unknown[]> {
  const tables = await database.query<{ name: string }>(
    `SELECT relname AS name, oid, relfilenode, xmin FROM pg_class
      WHERE relnamespace = 'mirrorverse'::regnamespace AND relkind = 'r' ORDER BY relname`,
  );
  const rows = await Promise.all(
    tables.map(async ({ name }) =>
      database.query(
        `SELECT ctid::text, xmin::text, to_jsonb(t) AS row FROM mirrorverse."${name}" t ORDER BY 1`,
      ),
    ),
  );
  return [tables, rows];
}
