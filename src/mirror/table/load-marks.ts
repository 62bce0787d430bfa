import type pg from 'pg';
import { qualifiedName, quoteLiteral } from './identifier.ts';
import { Failure } from '../../model/failure.ts';
import type { LoadMark } from './load-identity.ts';
import type { MirrorTable } from './mirror-table.ts';
import { createSchema } from '../state/migrations.ts';

/** Says which load brought each table's rows. A dump of the mirror tables contains it. */
const MARKS = '_loads';

/** Key of the advisory lock for creating the table; every version must use the same. */
const CREATION_LOCK = '7305813221904003';

/** Schema and name of the table of marks, quoted. */
export function marksName(schema: string): string {
  return qualifiedName(schema, MARKS);
}

/** Creates the table of marks where there is none, in the caller's transaction. @throws Failure `name-taken` */
export async function ensureMarks(client: pg.ClientBase, schema: string): Promise<void> {
  if (await areThere(client, schema)) return;
  await client.query('SELECT pg_advisory_xact_lock($1)', [CREATION_LOCK]);
  if (await areThere(client, schema)) return;
  await createSchema(client, schema);
  const comment = 'Which load the rows of each mirror table are of, and how many pages brought something.';
  await client.query(
    `CREATE TABLE ${marksName(schema)} (table_name text PRIMARY KEY, load uuid NOT NULL, pages bigint NOT NULL);
     COMMENT ON TABLE ${marksName(schema)} IS ${quoteLiteral(comment)}`,
  );
}

/** Whether the table of marks exists. @throws Failure `name-taken` where something else has its name. */
async function areThere(client: pg.ClientBase, schema: string): Promise<boolean> {
  const { rows } = await client.query<{ ours: boolean }>(
    `SELECT c.relkind = 'r' AND (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attisdropped
         AND (a.attname, a.atttypid) IN (('table_name', 'text'::regtype), ('load', 'uuid'::regtype), ('pages', 'bigint'::regtype))) = 3 AS ours
       FROM pg_class c WHERE c.oid = to_regclass($1)`,
    [marksName(schema)],
  );
  const [found] = rows;
  if (found?.ours !== false) return found !== undefined;
  throw new Failure({
    code: 'name-taken',
    message: `${marksName(schema)} exists, but it is not the table that mirrorverse keeps under this name beside the mirror tables.`,
    remedy: `Rename or drop it, or set postgres.schema (MIRRORVERSE_SCHEMA) to another schema.`,
  });
}

/** Whether a mirror table has a mark; false where there is no table of marks. */
export async function hasMark(client: pg.ClientBase, mirror: MirrorTable): Promise<boolean> {
  return (await areThere(client, mirror.schema)) && (await readMark(client, mirror)) !== null;
}

/** Reads a mirror table's mark; null where it has none. The table of marks must exist. */
export async function readMark(client: pg.ClientBase, mirror: MirrorTable): Promise<LoadMark | null> {
  const { rows } = await client.query<LoadMark & pg.QueryResultRow>(
    `SELECT load::text AS load, pages::float8 AS pages FROM ${marksName(mirror.schema)} WHERE table_name = $1`,
    [mirror.table.logicalName],
  );
  return rows[0] ?? null;
}

/** Gives a mirror table without a mark the one that the state knows, or a new one. */
export async function giveMark(
  client: pg.ClientBase,
  mirror: MirrorTable,
  mark: LoadMark | null,
): Promise<LoadMark> {
  return written(
    client,
    mirror,
    `INSERT INTO ${marksName(mirror.schema)} AS m (table_name, load, pages)
     VALUES ($1, coalesce($2::uuid, gen_random_uuid()), $3)
     ON CONFLICT (table_name) DO UPDATE SET load = m.load
     RETURNING load::text AS load, pages::float8 AS pages`,
    [mirror.table.logicalName, mark?.load ?? null, mark?.pages ?? 0],
  );
}

/** Marks the beginning of a load, in the transaction of its first page. */
export async function beginLoad(client: pg.ClientBase, mirror: MirrorTable): Promise<LoadMark> {
  return written(
    client,
    mirror,
    `INSERT INTO ${marksName(mirror.schema)} (table_name, load, pages) VALUES ($1, gen_random_uuid(), 1)
     ON CONFLICT (table_name) DO UPDATE SET load = excluded.load, pages = 1
     RETURNING load::text AS load, pages::float8 AS pages`,
    [mirror.table.logicalName],
  );
}

/**
 * Counts a page that brought something, in its transaction.
 *
 * @returns null where the mark is gone or is of another load than the state knows.
 * @throws Failure `rows-swallowed`
 */
export async function countPage(
  client: pg.ClientBase,
  mirror: MirrorTable,
  load: string | null,
): Promise<LoadMark | null> {
  const { rows } = await client.query<LoadMark & pg.QueryResultRow>(
    `UPDATE ${marksName(mirror.schema)} SET pages = pages + 1 WHERE table_name = $1 AND load = $2
     RETURNING load::text AS load, pages::float8 AS pages`,
    [mirror.table.logicalName, load],
  );
  if (rows[0] !== undefined) return rows[0];
  const found = await readMark(client, mirror);
  if (found !== null && found.load === load) throw markSwallowed(mirror);
  return null;
}

/** @throws Failure `rows-swallowed` */
async function written(
  client: pg.ClientBase,
  mirror: MirrorTable,
  text: string,
  values: unknown[],
): Promise<LoadMark> {
  const { rows } = await client.query<LoadMark & pg.QueryResultRow>(text, values);
  const [mark] = rows;
  if (mark === undefined) throw markSwallowed(mirror);
  return mark;
}

/** Without this failure, the mirror table would seem to be replaced again and again. */
function markSwallowed({ schema, table: { logicalName: table } }: MirrorTable): Failure {
  return new Failure({
    code: 'rows-swallowed',
    message: `The mark of table ${table} in ${marksName(schema)} cannot be written: a trigger or a rule on that table drops it. Nothing of the page was committed.`,
    remedy: `Drop the trigger or rule. Table ${table} then goes on by itself.`,
    details: { table },
  });
}
