import type pg from 'pg';
import { Failure } from '../../model/failure.ts';
import { MIRRORED_AT, type MirrorTable } from './mirror-table.ts';
import { hasMark } from './load-marks.ts';
import { TRIGGER, TRUNCATED } from './truncation-trigger.ts';

/** What may have a name in PostgreSQL, by `relkind`; `T` is a type that is no relation. */
const KINDS: Readonly<Record<string, string>> = {
  v: 'a view',
  m: 'a materialized view',
  f: 'a foreign table',
  S: 'a sequence',
  c: 'a type',
  T: 'a type',
};

/**
 * Checks that a mirror table can be created under its name.
 *
 * @throws Failure `name-taken` where something other than a table has the name.
 */
export async function assertNameFree(
  client: pg.ClientBase,
  { schema, identifier, qualified, table }: MirrorTable,
): Promise<void> {
  const { rows } = await client.query<{ kind: string }>(
    `SELECT c.relkind AS kind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relname = $2
     UNION ALL
     SELECT 'T' FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
      WHERE n.nspname = $1 AND t.typname = $2 AND t.typrelid = 0
        AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)`,
    [schema, identifier],
  );
  const [taken] = rows;
  if (taken === undefined) return;
  throw new Failure({
    code: 'name-taken',
    message: `Table ${table.logicalName} cannot be mirrored: ${qualified} exists already, as ${KINDS[taken.kind] ?? 'something other than a table'}.`,
    remedy: `Drop or rename ${qualified}, or set postgres.schema (MIRRORVERSE_SCHEMA) to another schema; compatibility.fivetran makes a view of that name for stringmap.`,
    details: { table: table.logicalName },
  });
}

/**
 * Checks that a table which the state does not know was made as a mirror table. A table of somebody else must
 * not be altered, and must not lose rows to the first sweep. Where the state was lost, our tables are known
 * by the trigger, by the mark of their load, or by their columns: somebody else may record when a row was
 * mirrored, but not also the row's version.
 *
 * @throws Failure `foreign-table`; nothing is touched.
 */
export async function assertOurs(client: pg.ClientBase, mirror: MirrorTable): Promise<void> {
  const { qualified, table, versionField } = mirror;
  const version = versionField === undefined ? null : mirror.columns[versionField]?.identifier;
  const { rows } = await client.query<{ ours: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
              WHERE t.tgrelid = $1::regclass AND t.tgname = $2 AND p.proname = $3)
         OR (SELECT count(*) = 2 FROM pg_attribute WHERE attrelid = $1::regclass AND NOT attisdropped
               AND ((attname = $4 AND atttypid = 'timestamptz'::regtype AND attnotnull)
                 OR (attname = $5 AND atttypid = 'bigint'::regtype))) AS ours`,
    [qualified, TRIGGER, TRUNCATED, MIRRORED_AT, version],
  );
  if (rows[0]?.ours === true || (await hasMark(client, mirror))) return;
  throw new Failure({
    code: 'foreign-table',
    message: `Table ${table.logicalName} cannot be mirrored: ${qualified} exists already, and mirrorverse did not make that table. mirrorverse leaves the table as it is.`,
    remedy: `Rename it (ALTER TABLE ${qualified} RENAME TO …) or drop it, or set postgres.schema (MIRRORVERSE_SCHEMA) to another schema.`,
    details: { table: table.logicalName },
  });
}
