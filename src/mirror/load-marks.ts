import type pg from 'pg';
import { qualifiedName, quoteLiteral } from './identifier.ts';
import type { LoadMark } from './load-identity.ts';
import type { MirrorTable } from './mirror-table.ts';
import { createSchema } from './state/migrate.ts';

/** A table beside the mirror tables, so that a dump of them has it: of which load each one's rows are. */
const MARKS = '_loads';

/** Any number of its own, the same in every version: whoever creates the table holds this lock. */
const CREATION_LOCK = '7305813221904003';

/** Schema and name of the table of marks, quoted. */
export function marksName(schema: string): string {
  return qualifiedName(schema, MARKS);
}

/** Makes the table of marks where there is none, in the caller's transaction. */
export async function ensureMarks(client: pg.ClientBase, schema: string): Promise<void> {
  const isThere = async (): Promise<boolean> => {
    const { rows } = await client.query<{ found: boolean }>('SELECT to_regclass($1) IS NOT NULL AS found', [
      marksName(schema),
    ]);
    return rows[0]?.found === true;
  };
  if (await isThere()) return;
  await client.query('SELECT pg_advisory_xact_lock($1)', [CREATION_LOCK]);
  if (await isThere()) return;
  await createSchema(client, schema);
  const comment = 'Which load the rows of each mirror table are of, and how many pages brought something.';
  await client.query(
    `CREATE TABLE ${marksName(schema)} (table_name text PRIMARY KEY, load uuid NOT NULL, pages bigint NOT NULL);
     COMMENT ON TABLE ${marksName(schema)} IS ${quoteLiteral(comment)}`,
  );
}

/** A mirror table's mark; null where it has none. The table of marks has to be there. */
export async function readMark(client: pg.ClientBase, mirror: MirrorTable): Promise<LoadMark | null> {
  const { rows } = await client.query<LoadMark & pg.QueryResultRow>(
    `SELECT load::text AS load, pages::float8 AS pages FROM ${marksName(mirror.schema)} WHERE table_name = $1`,
    [mirror.table.logicalName],
  );
  return rows[0] ?? null;
}

/** Gives a mirror table that has no mark the one that the state knows, or a new one. */
export async function giveMark(
  client: pg.ClientBase,
  mirror: MirrorTable,
  mark: LoadMark | null,
): Promise<LoadMark> {
  return written(
    client,
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
  return rows[0] ?? null;
}

async function written(client: pg.ClientBase, text: string, values: unknown[]): Promise<LoadMark> {
  const { rows } = await client.query<LoadMark & pg.QueryResultRow>(text, values);
  const [mark] = rows;
  if (mark === undefined) throw new Error('a mark was not written');
  return mark;
}
