import { Client, type Pool } from 'pg';
import { Failure } from '../../model/failure.ts';
import type { MirrorDatabase } from '../database.ts';
import { quoteIdentifier } from '../table/identifier.ts';
import { transaction } from './postgres.ts';

/** A privilege that the role lacks, and the statement that grants it. */
export interface MissingGrant {
  /** The object of the privilege, in words. */
  readonly on: string;
  readonly statement: string;
}

/** The server's major version. @throws Failure when it cannot be reached. */
export async function serverVersion(pool: Pool): Promise<number> {
  return tellingGrants(pool, [], async () =>
    transaction(pool, async (client) => {
      const { rows } = await client.query<{ version: string }>(
        `SELECT current_setting('server_version_num') AS version`,
      );
      return Math.floor(Number(rows[0]?.version ?? 0) / 10_000);
    }),
  );
}

/** What the role of the connection may do. */
export interface HeldPrivileges {
  readonly role: string;
  readonly database: string;
  readonly createsSchemas: boolean;
  readonly createsTemporary: boolean;
  readonly schemas: readonly {
    readonly schema: string;
    readonly exists: boolean;
    readonly uses: boolean;
    readonly creates: boolean;
  }[];
}

/** Which of CREATE and USAGE are missing in each schema, and TEMPORARY on the database. */
function missingAmong(held: HeldPrivileges): MissingGrant[] {
  const to = `TO ${quoteIdentifier(held.role)};`;
  const database = quoteIdentifier(held.database);
  const inSchemas = held.schemas.flatMap(({ schema, exists, uses, creates }): MissingGrant[] => {
    const name = quoteIdentifier(schema);
    if (!exists) {
      if (held.createsSchemas) return [];
      // CREATE on the database would grant more: every schema to come.
      const statement = `CREATE SCHEMA ${name}; GRANT USAGE, CREATE ON SCHEMA ${name} ${to}`;
      return [{ on: schema, statement }];
    }
    const missing = [...(uses ? [] : ['USAGE']), ...(creates ? [] : ['CREATE'])];
    if (missing.length === 0) return [];
    return [{ on: schema, statement: `GRANT ${missing.join(', ')} ON SCHEMA ${name} ${to}` }];
  });
  if (held.createsTemporary) return inSchemas;
  const statement = `GRANT TEMPORARY ON DATABASE ${database} ${to}`;
  return [...inSchemas, { on: `database ${held.database}`, statement }];
}

/** Finds what the role may not do in schemas that exist, or to create schemas that do not. @throws Failure */
export async function missingGrants(pool: Pool, schemas: readonly string[]): Promise<MissingGrant[]> {
  return transaction(pool, async (client) => {
    const { rows: inSchemas } = await client.query<HeldPrivileges['schemas'][number]>(
      `SELECT wanted.schema, n.oid IS NOT NULL AS exists,
              coalesce(has_schema_privilege(n.oid, 'USAGE'), false) AS uses,
              coalesce(has_schema_privilege(n.oid, 'CREATE'), false) AS creates
         FROM unnest($1::text[]) AS wanted (schema) LEFT JOIN pg_namespace n ON n.nspname = wanted.schema`,
      [schemas],
    );
    const { rows } = await client.query<Omit<HeldPrivileges, 'schemas'>>(
      `SELECT current_user AS role, current_database() AS database,
              has_database_privilege(current_database(), 'CREATE') AS "createsSchemas",
              has_database_privilege(current_database(), 'TEMPORARY') AS "createsTemporary"`,
    );
    return rows.flatMap((held) => missingAmong({ ...held, schemas: inSchemas }));
  });
}

/** Adds the statements that grant what is missing to a failure `grant-missing`; leaves any other alone. */
export async function withMissingGrants(
  { pool, schema, stateSchema }: MirrorDatabase,
  failure: Failure,
): Promise<Failure> {
  return withMissing(pool, [schema, stateSchema], failure);
}

async function withMissing(pool: Pool, schemas: readonly string[], failure: Failure): Promise<Failure> {
  if (failure.code !== 'grant-missing') return failure;
  const missing = await missingGrants(pool, schemas).catch((error: unknown) => missingToAsk(pool, error));
  if (missing.length === 0) return failure;
  const { code, message, details, cause } = failure;
  return new Failure({ code, message, details, cause, remedy: remedyFor(missing) });
}

/** What is missing where we may not even ask for privileges: CONNECT, or nothing that a GRANT gives. */
function missingToAsk(pool: Pool, error: unknown): MissingGrant[] {
  if (!(error instanceof Failure) || error.code !== 'grant-missing') return [];
  // The client reads the address as the driver does, with its defaults.
  const { user = '', database = '' } = new Client(pool.options);
  const statement = `GRANT CONNECT ON DATABASE ${quoteIdentifier(database)} TO ${quoteIdentifier(user)};`;
  return [{ on: `database ${database}`, statement }];
}

/** Runs `work`. When a privilege is missing, the failure names the GRANT. */
export async function tellingGrants<T>(
  pool: Pool,
  schemas: readonly string[],
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof Failure ? await withMissing(pool, schemas, error) : error;
  }
}

/** What an administrator has to do. */
export function remedyFor(missing: readonly MissingGrant[]): string {
  return `Run as an administrator: ${missing.map((grant) => grant.statement).join(' ')}`;
}
