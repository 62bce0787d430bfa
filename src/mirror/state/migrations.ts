import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { Failure } from '../../model/failure.ts';
import { qualifiedName, quoteIdentifier } from '../table/identifier.ts';
import { transaction } from '../connection/postgres.ts';
import type { MirrorDatabase } from '../database.ts';
import { controlFunctions } from '../control/control-functions.ts';
import { ensureFreshnessView } from '../control/freshness-view.ts';
import { ensureReadPoint, readPointFunctions } from '../control/read-point.ts';
import { grantToRoles } from '../control/role-grants.ts';
import { ensureStateFunctions } from '../control/state-functions.ts';
import { readMigrationFiles } from '../drizzle.ts';
import { historyFunctions } from '../history/history-functions.ts';
import { changeLogFunctions } from '../feed/log-functions.ts';
import { deadLetterFunctions } from '../feed/dead-letters.ts';
import { shareFunctions } from '../lease/budget-shares.ts';

/** Key of the advisory lock for migrating; every version must use the same. */
const MIGRATION_LOCK = '7305813221904001';

/** What a look at the state schema has changed. */
export interface MigrationReport {
  /** How many migrations were applied. */
  readonly applied: number;
  /** Grants to the roles of operators and readers that only an administrator may give, as statements. */
  readonly grantsLeft: readonly string[];
}

/**
 * Brings the state schema up to date, with the read point, the functions by which people control tables and wait for
 * the read point, the grants of the roles that may use them, and the views of freshness and of files in the mirror schema.
 *
 * All migrations run in one transaction under a lock: processes that start together queue, and later ones
 * find nothing to do. drizzle-kit writes the files. drizzle's own migrator does not apply them, because it
 * asks for CREATE on the database even where the schema exists.
 *
 * @throws Failure `state-newer` before anything is touched, when a later version has migrated.
 */
export async function migrateState({ pool, schema, stateSchema }: MirrorDatabase): Promise<MigrationReport> {
  const migrations = readMigrationFiles({ migrationsFolder: migrationsFolder() });
  return transaction(pool, async (client) => {
    await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    await createSchema(client, stateSchema);
    const journal = journalOf(stateSchema);
    if (!(await tableExists(client, stateSchema, 'migrations'))) {
      await client.query(
        `CREATE TABLE ${journal} (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, hash text NOT NULL, created_at bigint NOT NULL)`,
      );
    }
    const last = await lastMigration(client, stateSchema);
    if (last > newest(migrations)) throw stateNewer(stateSchema);
    // The migrations name no schema, because the user chooses it.
    await client.query(`SET LOCAL search_path TO ${quoteIdentifier(stateSchema)}`);
    const pending = migrations.filter((migration) => migration.folderMillis > last);
    for (const migration of pending) {
      for (const statement of migration.sql) await client.query(statement);
      await client.query(`INSERT INTO ${journal} (hash, created_at) VALUES ($1, $2)`, [
        migration.hash,
        migration.folderMillis,
      ]);
    }
    await ensureReadPoint(client, stateSchema);
    const functions = [
      controlFunctions,
      readPointFunctions,
      changeLogFunctions,
      deadLetterFunctions,
      historyFunctions,
      shareFunctions,
    ].flatMap((make) => make(stateSchema));
    await ensureStateFunctions(client, stateSchema, functions);
    const grantsLeft = await grantToRoles(client, stateSchema);
    await ensureFreshnessView(client, { schema, stateSchema });
    return { applied: pending.length, grantsLeft };
  });
}

/**
 * Creates a schema that does not exist. `CREATE SCHEMA IF NOT EXISTS` alone would ask for CREATE on the
 * database even where an administrator has created the schema, and it fails when two transactions create the
 * same schema at once. So this function looks first, and takes a lock.
 *
 * @returns whether it created the schema.
 */
export async function createSchema(client: pg.ClientBase, schema: string): Promise<boolean> {
  if (await schemaExists(client, schema)) return false;
  await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
  if (await schemaExists(client, schema)) return false;
  await client.query(`CREATE SCHEMA ${quoteIdentifier(schema)}`);
  return true;
}

async function schemaExists(client: pg.ClientBase, schema: string): Promise<boolean> {
  const found = await client.query('SELECT FROM pg_namespace WHERE nspname = $1', [schema]);
  return (found.rowCount ?? 0) > 0;
}

/**
 * Whether there is a state schema to read; for commands that only look.
 *
 * @throws Failure `state-newer` or `state-older` when another version has migrated it.
 */
export async function stateExists(pool: pg.Pool, stateSchema: string): Promise<boolean> {
  const migrations = readMigrationFiles({ migrationsFolder: migrationsFolder() });
  return transaction(pool, async (client) => {
    if (!(await tableExists(client, stateSchema, 'migrations'))) return false;
    const last = await lastMigration(client, stateSchema);
    if (last > newest(migrations)) throw stateNewer(stateSchema);
    if (last < newest(migrations)) throw stateOlder(stateSchema);
    return true;
  });
}

/** When the last migration that was applied was made, in milliseconds since the epoch; 0 before the first. */
async function lastMigration(client: pg.ClientBase, stateSchema: string): Promise<number> {
  const { rows } = await client.query<{ last: string | null }>(
    `SELECT max(created_at)::text AS last FROM ${journalOf(stateSchema)}`,
  );
  return Number(rows[0]?.last ?? 0);
}

function newest(migrations: readonly { readonly folderMillis: number }[]): number {
  return Math.max(...migrations.map(({ folderMillis }) => folderMillis));
}

function journalOf(stateSchema: string): string {
  return qualifiedName(stateSchema, 'migrations');
}

async function tableExists(client: pg.ClientBase, schema: string, table: string): Promise<boolean> {
  const found = await client.query(
    'SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2',
    [schema, table],
  );
  return (found.rowCount ?? 0) > 0;
}

function stateNewer(stateSchema: string): Failure {
  return new Failure({
    code: 'state-newer',
    message: `The state schema ${stateSchema} was migrated by a later version of mirrorverse.`,
  });
}

function stateOlder(stateSchema: string): Failure {
  return new Failure({
    code: 'state-older',
    message: `The state schema ${stateSchema} is of an earlier version of mirrorverse.`,
  });
}

/** The folder stands beside `src` in a checkout, and beside `dist` in the package. */
function migrationsFolder(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'migrations', 'meta', '_journal.json'))) {
    const parent = dirname(directory);
    if (parent === directory) throw new Error('The migrations folder is missing from this installation.');
    directory = parent;
  }
  return join(directory, 'migrations');
}
