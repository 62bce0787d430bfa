import type pg from 'pg';
import { qualifiedName } from '../table/identifier.ts';
import { VIEWS } from '../labels/label-tables.ts';
import type { ViewGrant } from './view-grants.ts';
import type { ExistingView } from './view-plan.ts';

/** What is found under a view's name. */
export interface FoundView extends ExistingView {
  readonly oid: string;
}

/** What is recorded of a view that we made. */
export interface ViewRecord {
  readonly name: string;
  /** Of the definition it was made of; null for a view that we dropped and have to make again. */
  readonly fingerprint: string | null;
  /** Options and privileges that the view had when we dropped it. */
  readonly options: readonly string[];
  readonly grants: readonly ViewGrant[];
}

/** The views of a schema by name. A name of something other than a view comes with null. */
export async function findViews(
  client: pg.ClientBase,
  schema: string,
  names: readonly string[],
): Promise<Map<string, FoundView | null>> {
  const { rows } = await client.query<{
    name: string;
    oid: string;
    is_view: boolean;
    comment: string | null;
    options: string[];
    columns: ExistingView['columns'] | null;
  }>(
    `SELECT c.relname AS name, c.oid::text, c.relkind = 'v' AS is_view, coalesce(c.reloptions, '{}') AS options,
            obj_description(c.oid, 'pg_class') AS comment,
            (SELECT json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
                                               'comment', col_description(c.oid, a.attnum)) ORDER BY a.attnum)
               FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relname = ANY ($2) AND c.relkind NOT IN ('i', 'I', 't')`,
    [schema, names],
  );
  const dependents = await dependentsOf(
    client,
    rows.map(({ oid }) => oid),
  );
  const found = new Map<string, FoundView | null>();
  for (const { name, is_view: isView, oid, comment, options, columns } of rows) {
    const made = (dependents.get(oid) ?? []).map((each) => each.name);
    const view = { oid, comment, options, columns: columns ?? [], dependents: made };
    found.set(name, isView ? view : null);
  }
  return found;
}

/** Something that uses a relation. */
export interface Dependent {
  /** Schema and name of a relation; PostgreSQL's description of anything else. */
  readonly name: string;
  /** Number of a relation; null for anything else. */
  readonly oid: string | null;
}

/** Finds what uses each relation. @param columns only what uses these columns. */
export async function dependentsOf(
  client: pg.ClientBase,
  oids: readonly string[],
  columns?: readonly string[],
): Promise<Map<string, Dependent[]>> {
  const { rows } = await client.query<Dependent & { of: string }>(
    `SELECT DISTINCT d.refobjid::text AS of, c.oid::text AS oid,
            coalesce(n.nspname || '.' || c.relname, pg_describe_object(d.classid, d.objid, d.objsubid)) AS name
       FROM pg_depend d
       LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
       LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
       LEFT JOIN pg_class c ON c.oid = r.ev_class
       LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ($1::oid[]) AND d.deptype = 'n'
        AND c.oid IS DISTINCT FROM d.refobjid AND ($2::text[] IS NULL OR a.attname = ANY ($2))
      ORDER BY name`,
    [oids, columns ?? null],
  );
  const byOid = new Map<string, Dependent[]>();
  for (const { of, ...dependent } of rows) byOid.set(of, [...(byOid.get(of) ?? []), dependent]);
  return byOid;
}

/** Our views that exist, by oid. */
export async function ownViews(client: pg.ClientBase, schema: string): Promise<Map<string, OwnView>> {
  const { rows } = await client.query<OwnView & { oid: string }>(
    `SELECT c.oid::text, v.view_schema AS schema, v.view_name AS name
       FROM ${qualifiedName(schema, VIEWS)} v
       JOIN pg_namespace n ON n.nspname = v.view_schema
       JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = v.view_name AND c.relkind = 'v'`,
  );
  return new Map(rows.map(({ oid, ...view }) => [oid, view]));
}

/**
 * Finds out what somebody else has dropped: a view of this name that we made in one of the schemas, or the tables
 * of labels with all records of views.
 */
export async function lostViews(
  client: pg.ClientBase,
  schema: string,
  viewSchemas: readonly string[],
  name: string,
): Promise<'one' | 'all' | 'none'> {
  const views = qualifiedName(schema, VIEWS);
  const { rows } = await client.query<{ gone: boolean }>('SELECT to_regclass($1) IS NULL AS gone', [views]);
  if (rows[0]?.gone === true) return 'all';
  const { rowCount } = await client.query(
    `SELECT FROM ${views} v
      WHERE v.view_schema = ANY ($1) AND v.view_name = $2
        AND NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                         WHERE n.nspname = v.view_schema AND c.relname = v.view_name)`,
    [viewSchemas, name],
  );
  return rowCount === 0 ? 'none' : 'one';
}

export interface OwnView {
  readonly schema: string;
  readonly name: string;
}

/** Reads what is recorded of a schema's views, by name. */
export async function readRecords(
  client: pg.ClientBase,
  schema: string,
  viewSchema: string,
  names: readonly string[],
): Promise<Map<string, ViewRecord>> {
  const { rows } = await client.query<ViewRecord>(
    `SELECT view_name AS name, fingerprint, options, grants FROM ${qualifiedName(schema, VIEWS)}
      WHERE view_schema = $1 AND view_name = ANY ($2)`,
    [viewSchema, names],
  );
  return new Map(rows.map((row) => [row.name, row]));
}

/** Records what a view is made of now, or what it had when it was dropped. */
export async function recordView(
  client: pg.ClientBase,
  schema: string,
  viewSchema: string,
  { name, fingerprint, options, grants }: ViewRecord,
): Promise<void> {
  await client.query(
    `INSERT INTO ${qualifiedName(schema, VIEWS)} AS v (view_schema, view_name, fingerprint, options, grants)
     VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (view_schema, view_name) DO UPDATE
        SET fingerprint = excluded.fingerprint, options = excluded.options, grants = excluded.grants`,
    [viewSchema, name, fingerprint, options, JSON.stringify(grants)],
  );
}
