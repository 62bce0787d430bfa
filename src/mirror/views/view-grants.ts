import type pg from 'pg';
import { qualifiedName, quoteIdentifier } from '../table/identifier.ts';

/** A privilege on a view, of a role that does not own the view. */
export interface ViewGrant {
  /** Name of the role, unquoted; null for PUBLIC. */
  readonly role: string | null;
  readonly privilege: string;
  readonly grantable: boolean;
  /** The column that the privilege is for; null for the whole view. */
  readonly column: string | null;
}

/** Reads which privileges on a view exist. */
export async function readGrants(client: pg.ClientBase, oid: string): Promise<ViewGrant[]> {
  const { rows } = await client.query<ViewGrant>(
    `SELECT CASE WHEN x.grantee <> 0 THEN pg_get_userbyid(x.grantee) END AS role,
            x.privilege_type AS privilege, x.is_grantable AS grantable, x.column
       FROM (SELECT c.relowner, NULL AS column, (aclexplode(c.relacl)).* FROM pg_class c WHERE c.oid = $1
             UNION ALL
             SELECT c.relowner, a.attname::text, (aclexplode(a.attacl)).*
               FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
              WHERE a.attrelid = $1 AND NOT a.attisdropped) AS x
      WHERE x.grantee <> x.relowner`,
    [oid],
  );
  return rows;
}

/**
 * Statements that give a new view the privileges of the former one. They also take away what default
 * privileges added, so that nobody reads more than before.
 *
 * @param roles the roles that still exist.
 */
export function restoreGrants(
  view: { readonly schema: string; readonly name: string; readonly columns: readonly { name: string }[] },
  before: readonly ViewGrant[],
  after: readonly ViewGrant[],
  roles: ReadonlySet<string>,
): string[] {
  const columns = new Set(view.columns.map(({ name }) => name));
  const possible = before.filter(
    ({ role, column }) => (role === null || roles.has(role)) && (column === null || columns.has(column)),
  );
  const wanted = new Set(possible.map(keyOf));
  const there = new Set(after.map(keyOf));
  const name = qualifiedName(view.schema, view.name);
  const what = ({ privilege, column }: ViewGrant): string =>
    `${privilege}${column === null ? '' : ` (${quoteIdentifier(column)})`} ON ${name}`;
  const whom = ({ role }: ViewGrant): string => (role === null ? 'PUBLIC' : quoteIdentifier(role));
  return [
    ...after
      .filter((grant) => !wanted.has(keyOf(grant)))
      .map((grant) => `REVOKE ${what(grant)} FROM ${whom(grant)}`),
    ...possible
      .filter((grant) => !there.has(keyOf(grant)))
      .map((grant) => `GRANT ${what(grant)} TO ${whom(grant)}${grant.grantable ? ' WITH GRANT OPTION' : ''}`),
  ];
}

function keyOf({ role, privilege, grantable, column }: ViewGrant): string {
  return JSON.stringify([role, privilege, grantable, column]);
}

/** The names that are names of roles. */
export async function existingRoles(
  client: pg.ClientBase,
  grants: readonly ViewGrant[],
): Promise<Set<string>> {
  const names = grants.flatMap(({ role }) => role ?? []);
  if (names.length === 0) return new Set();
  const { rows } = await client.query<{ rolname: string }>(
    'SELECT rolname FROM pg_roles WHERE rolname = ANY ($1)',
    [names],
  );
  return new Set(rows.map(({ rolname }) => rolname));
}
