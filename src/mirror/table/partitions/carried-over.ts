import type pg from 'pg';
import { existingRoles, readGrants, restoreGrants, type ViewGrant } from '../../views/view-grants.ts';
import type { MirrorTable } from '../mirror-table.ts';
import { setReplicaIdentity } from './with-partitions.ts';

/** What belongs to a mirror table, and has to belong to the table that takes its place. */
export interface CarriedOver {
  /** SQL: statements that make triggers, policies, row security, owner and publications, and point views at the new table. */
  readonly statements: readonly string[];
  readonly grants: readonly ViewGrant[];
  /** The replica identity is the whole row. */
  readonly isWholeRow: boolean;
}

/**
 * Reads what has to be made again for the table that takes the place of a mirror table, before the mirror table loses
 * its name. The statements name the tables, so they hold for whichever table has the name when they run.
 *
 * CREATE OR REPLACE VIEW keeps the privileges, the owner and the comment of a view, and what is built on it.
 */
export async function readCarriedOver(
  client: pg.ClientBase,
  { qualified }: MirrorTable,
): Promise<CarriedOver> {
  const { rows } = await client.query<{
    oid: string;
    is_whole_row: boolean;
    statements: (string | null)[];
  }>(
    `SELECT c.oid::text, c.relreplident = 'f' AS is_whole_row, ARRAY(
         SELECT format('ALTER TABLE %s OWNER TO %I', $1::text, pg_get_userbyid(c.relowner))
          WHERE pg_get_userbyid(c.relowner) <> current_user
         UNION ALL
         SELECT * FROM (SELECT DISTINCT format('CREATE OR REPLACE VIEW %s%s AS %s', v.oid::regclass,
                  ' WITH (' || array_to_string(v.reloptions, ', ') || ')', rtrim(pg_get_viewdef(v.oid), ';'))
           FROM pg_depend d JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
           JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v'
          WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.deptype = 'n') views
         UNION ALL
         SELECT format('CREATE POLICY %I ON %s AS %s FOR %s TO %s%s%s', p.polname, $1::text,
                  CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                  CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                  (SELECT string_agg(CASE WHEN o = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(o)) END, ', ') FROM unnest(p.polroles) o),
                  ' USING (' || pg_get_expr(p.polqual, c.oid) || ')', ' WITH CHECK (' || pg_get_expr(p.polwithcheck, c.oid) || ')')
           FROM pg_policy p WHERE p.polrelid = c.oid
         UNION ALL
         SELECT format('ALTER TABLE %s %s ROW LEVEL SECURITY', $1::text, how) FROM (VALUES (c.relrowsecurity, 'ENABLE'), (c.relforcerowsecurity, 'FORCE')) AS s (is_on, how)
          WHERE is_on
         UNION ALL
         SELECT s FROM pg_trigger t, LATERAL (VALUES (1, pg_get_triggerdef(t.oid)),
                  (2, format('ALTER TABLE %s %s TRIGGER %I', $1::text,
                     CASE t.tgenabled WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'D' THEN 'DISABLE' ELSE 'ENABLE' END, t.tgname))) AS made (at, s)
          WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
         UNION ALL
         SELECT format('ALTER PUBLICATION %I ADD TABLE %s%s%s', p.pubname, $1::text,
                  (SELECT ' (' || string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) || ')' FROM pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attnum = ANY (r.prattrs::int2[])),
                  ' WHERE (' || pg_get_expr(r.prqual, c.oid) || ')')
           FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid WHERE r.prrelid = c.oid) AS statements
       FROM pg_class c WHERE c.oid = $1::regclass`,
    [qualified],
  );
  const [found] = rows;
  if (found === undefined) throw new TypeError(`There is no table ${qualified}.`);
  return {
    statements: found.statements.flatMap((statement) => statement ?? []),
    grants: await readGrants(client, found.oid),
    isWholeRow: found.is_whole_row,
  };
}

/** Gives the table that now has the name of the mirror table all of that. @param client in the same transaction. */
export async function carryOver(
  client: pg.ClientBase,
  { schema, identifier, qualified }: MirrorTable,
  { statements, grants, isWholeRow }: CarriedOver,
): Promise<void> {
  for (const statement of statements) await client.query(statement);
  const { rows } = await client.query<{ oid: string; columns: string[] }>(
    `SELECT c.oid::text, ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0) AS columns
       FROM pg_class c WHERE c.oid = $1::regclass`,
    [qualified],
  );
  const { oid = '', columns = [] } = rows[0] ?? {};
  const table = { schema, name: identifier, columns: columns.map((name) => ({ name })) };
  const roles = await existingRoles(client, grants);
  for (const statement of restoreGrants(table, grants, await readGrants(client, oid), roles)) {
    await client.query(statement);
  }
  if (isWholeRow) await setReplicaIdentity(client, qualified, 'full');
}
