import type pg from 'pg';
import { CHANGES } from '../feed/log-functions.ts';
import { qualifiedName, quoteIdentifier } from '../table/identifier.ts';
import { OPERATOR_FUNCTIONS } from './control-functions.ts';
import { READ_POINT, READER_FUNCTIONS } from './read-point.ts';

/** May pause, resume, resync and verify tables. */
const OPERATOR = 'mirrorverse_operator';
/** May call what the state schema has for readers. */
const READER = 'mirrorverse_reader';

interface WantedGrant {
  readonly role: string;
  readonly privilege: 'USAGE' | 'EXECUTE' | 'SELECT';
  /** SQL of the object, as GRANT names it. */
  readonly on: string;
  /** The object, as PostgreSQL's functions about privileges read it. */
  readonly object: string;
}

function wantedGrants(stateSchema: string): WantedGrant[] {
  const schema = quoteIdentifier(stateSchema);
  const usage = (role: string): WantedGrant => ({
    role,
    privilege: 'USAGE',
    on: `SCHEMA ${schema}`,
    object: stateSchema,
  });
  const execute =
    (role: string) =>
    (signature: string): WantedGrant => {
      const at = signature.indexOf('(');
      const object = qualifiedName(stateSchema, signature.slice(0, at)) + signature.slice(at);
      return { role, privilege: 'EXECUTE', on: `FUNCTION ${object}`, object };
    };
  const select = (name: string): WantedGrant => {
    const object = qualifiedName(stateSchema, name);
    return { role: READER, privilege: 'SELECT', on: object, object };
  };
  return [
    usage(OPERATOR),
    ...OPERATOR_FUNCTIONS.map(execute(OPERATOR)),
    usage(READER),
    select(READ_POINT),
    select(CHANGES),
    ...READER_FUNCTIONS.map(execute(READER)),
  ];
}

/**
 * Grants the roles of operators and readers what is theirs in the state schema, where the cluster has these roles. It
 * takes nothing away that somebody else has granted.
 *
 * @returns statements for an administrator: the role of `postgres.url` may not grant what it only was granted.
 */
export async function grantToRoles(client: pg.ClientBase, stateSchema: string): Promise<string[]> {
  const missing = await missingOf(client, wantedGrants(stateSchema));
  if (missing.length === 0) return [];
  for (const grant of missing) await client.query(statementOf(grant));
  // PostgreSQL only warns about a privilege that we may not grant.
  return (await missingOf(client, missing)).map((grant) => `${statementOf(grant)};`);
}

function statementOf({ privilege, on, role }: WantedGrant): string {
  return `GRANT ${privilege} ON ${on} TO ${quoteIdentifier(role)}`;
}

async function missingOf(client: pg.ClientBase, grants: readonly WantedGrant[]): Promise<WantedGrant[]> {
  const { rows } = await client.query<{ at: number }>(
    `SELECT w.at::int FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS w (role, privilege, object, at)
       JOIN pg_roles r ON r.rolname = w.role
      WHERE NOT CASE w.privilege WHEN 'USAGE' THEN has_schema_privilege(r.oid, w.object, 'USAGE')
                                 -- PostgreSQL may have had no room for a view.
                                 WHEN 'SELECT' THEN coalesce(has_table_privilege(r.oid, to_regclass(w.object)::oid, 'SELECT'), true)
                                 ELSE has_function_privilege(r.oid, w.object, 'EXECUTE') END
      ORDER BY w.at`,
    [
      grants.map(({ role }) => role),
      grants.map(({ privilege }) => privilege),
      grants.map(({ object }) => object),
    ],
  );
  return rows.flatMap(({ at }) => grants[at - 1] ?? []);
}
