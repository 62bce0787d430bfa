import type pg from 'pg';
import { tellingGrants } from '../connection/grants.ts';
import { transaction } from '../connection/postgres.ts';
import { createSchema } from '../state/migrations.ts';
import { quoteIdentifier } from '../table/identifier.ts';
import { historySchema, OWN_COLUMNS } from './history-names.ts';

/**
 * Does work that needs the schema of the histories, and makes the schema before that. Whoever may use the schema of the
 * mirror tables may use this one.
 *
 * The schema gets a transaction of its own. Otherwise the tables that are prepared at the same time would wait for the
 * first one, which may fill its history for long.
 *
 * @param schema of the mirror tables.
 * @throws Failure `grant-missing` that names the GRANT, where the role may not create the schema or use it.
 */
export async function withHistorySchema<T>(
  pool: pg.Pool,
  schema: string,
  work: () => Promise<T>,
): Promise<T> {
  const wanted = historySchema(schema);
  return tellingGrants(pool, [wanted], async () => {
    await ensureSchema(pool, schema, wanted);
    return work();
  });
}

async function ensureSchema(pool: pg.Pool, schema: string, wanted: string): Promise<void> {
  await transaction(pool, async (client) => {
    if (!(await createSchema(client, wanted))) return;
    const { rows } = await client.query<{ role: string | null }>(
      `SELECT CASE WHEN x.grantee <> 0 THEN pg_get_userbyid(x.grantee) END AS role
         FROM (SELECT n.nspowner, (aclexplode(n.nspacl)).* FROM pg_namespace n WHERE n.nspname = $1) x
        WHERE x.grantee <> x.nspowner AND x.privilege_type = 'USAGE'`,
      [schema],
    );
    for (const { role } of rows) {
      await client.query(`GRANT USAGE ON SCHEMA ${quoteIdentifier(wanted)} TO ${grantee(role)}`);
    }
  });
}

/**
 * Lets those read a new history who may read the mirror table: all of it, or the same columns. A mirror table with row
 * security grants nothing, because its policies would not hold for the history.
 *
 * @param mirror the mirror table, and `records` its history: schema and name, quoted.
 */
export async function grantAsMirror(client: pg.ClientBase, mirror: string, records: string): Promise<void> {
  const { rows } = await client.query<{ role: string | null; column: string | null }>(
    `SELECT CASE WHEN x.grantee <> 0 THEN pg_get_userbyid(x.grantee) END AS role, x.column
       FROM (SELECT c.relowner, c.relrowsecurity, NULL AS column, (aclexplode(c.relacl)).* FROM pg_class c WHERE c.oid = $1::regclass
             UNION ALL
             SELECT c.relowner, c.relrowsecurity, a.attname::text, (aclexplode(a.attacl)).*
               FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
               JOIN pg_attribute h ON h.attrelid = $2::regclass AND h.attname = a.attname AND NOT h.attisdropped
              WHERE a.attrelid = $1::regclass AND NOT a.attisdropped) AS x
      WHERE x.grantee <> x.relowner AND x.privilege_type = 'SELECT' AND NOT x.relrowsecurity`,
    [mirror, records],
  );
  // Null stands for all columns.
  const granted = new Map<string, readonly string[] | null>();
  for (const { role, column } of rows) {
    const to = grantee(role);
    const columns = granted.get(to);
    if (column === null) granted.set(to, null);
    else if (columns !== null) granted.set(to, [...(columns ?? OWN_COLUMNS), column]);
  }
  for (const [to, columns] of granted) {
    const of = columns === null ? '' : ` (${columns.map(quoteIdentifier).join(', ')})`;
    await client.query(`GRANT SELECT${of} ON ${records} TO ${to}`);
  }
}

function grantee(role: string | null): string {
  return role === null ? 'PUBLIC' : quoteIdentifier(role);
}
