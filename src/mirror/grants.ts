import type pg from 'pg';
import { quoteIdentifier } from './identifier.ts';
import { transaction } from './postgres.ts';

/** A privilege the role lacks, and the statement that gives it. */
export interface MissingGrant {
  readonly schema: string;
  readonly statement: string;
}

/** The server's major version. @throws Failure when it cannot be reached. */
export async function serverVersion(pool: pg.Pool): Promise<number> {
  return transaction(pool, async (client) => {
    const { rows } = await client.query<{ version: string }>(
      `SELECT current_setting('server_version_num') AS version`,
    );
    return Math.floor(Number(rows[0]?.version ?? 0) / 10_000);
  });
}

/** What the role may not do in schemas that exist, or to create those that do not. @throws Failure */
export async function missingGrants(pool: pg.Pool, schemas: readonly string[]): Promise<MissingGrant[]> {
  return transaction(pool, async (client) => {
    const { rows } = await client.query<{
      schema: string;
      exists: boolean;
      usable: boolean | null;
      database: string;
      role: string;
      creates: boolean;
    }>(
      `SELECT wanted.schema, n.oid IS NOT NULL AS exists,
              has_schema_privilege(n.oid, 'CREATE') AND has_schema_privilege(n.oid, 'USAGE') AS usable,
              current_database() AS database, current_user AS role,
              has_database_privilege(current_database(), 'CREATE') AS creates
         FROM unnest($1::text[]) AS wanted (schema) LEFT JOIN pg_namespace n ON n.nspname = wanted.schema`,
      [schemas],
    );
    return rows.flatMap(({ schema, exists, usable, database, role, creates }) => {
      const to = quoteIdentifier(role);
      if (exists && usable === true) return [];
      if (exists) {
        return [{ schema, statement: `GRANT USAGE, CREATE ON SCHEMA ${quoteIdentifier(schema)} TO ${to};` }];
      }
      if (creates) return [];
      return [{ schema, statement: `GRANT CREATE ON DATABASE ${quoteIdentifier(database)} TO ${to};` }];
    });
  });
}
