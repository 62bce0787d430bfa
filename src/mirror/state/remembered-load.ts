import type { SQL } from 'drizzle-orm';
import type { FoundTable, LoadMark, RememberedLoad } from '../table/load-identity.ts';
import { Failure } from '../../model/failure.ts';
import { DELETED_AT, type MirrorTable } from '../table/mirror-table.ts';
import type { StateStore } from './store.ts';
import { and, eq, sql } from '../drizzle.ts';
import { identityOfPartitions } from '../table/partitions/partition-identity.ts';
import { namesOf, OWN_TRIGGERS, type OwnTrigger } from '../feed/own-triggers.ts';

/** Reads what the state remembers about a table's load, in whatever phase the table is. */
export async function readRememberedLoad(
  store: StateStore,
  table: string,
): Promise<RememberedLoad & { readonly phase: string }> {
  const { tables } = store.tables;
  const [row] = await store.db
    .select({
      phase: tables.phase,
      load: tables.load,
      pages: tables.loadPages,
      relation: tables.mirrorOid,
      file: tables.mirrorFile,
      parts: tables.mirrorParts,
      filled: tables.filledParts,
      marks: tables.marksOid,
      hasRows: tables.hasRows,
    })
    .from(tables)
    .where(ofTable(store, table));
  if (row === undefined) {
    const nothing = { relation: null, file: null, parts: null, filled: null, marks: null, hasRows: null };
    return { phase: 'new', mark: null, ...nothing };
  }
  const { load, pages, ...rest } = row;
  return { ...rest, mark: load === null ? null : { load, pages } };
}

/** Remembers which mirror table the link stands for. */
export async function rememberTable(
  store: StateStore,
  table: string,
  { relation, file, parts, filled, marks, mark, hasRows }: Omit<FoundTable, 'guarded'>,
): Promise<void> {
  await store.db
    .update(store.tables.tables)
    .set({
      mirrorOid: relation,
      mirrorFile: file,
      mirrorParts: parts,
      filledParts: filled,
      marksOid: marks,
      hasRows,
      ...asLoad(mark),
    })
    .where(ofTable(store, table));
}

/** Remembers that rows were stored outside the pages of the feed. */
export async function rememberMark(store: StateStore, table: string, mark: LoadMark): Promise<void> {
  await store.db
    .update(store.tables.tables)
    .set({ ...asLoad(mark), hasRows: true })
    .where(ofTable(store, table));
}

/** Remembers how many partitions have rows, after some were deleted outside the pages of the feed. */
export async function rememberFilled(store: StateStore, table: string, filled: number | null): Promise<void> {
  await store.db.update(store.tables.tables).set({ filledParts: filled }).where(ofTable(store, table));
}

/** A mark, as the columns of the state have it. */
export function asLoad(mark: LoadMark | null): { load: string | null; loadPages: number } {
  return { load: mark?.load ?? null, loadPages: mark?.pages ?? 0 };
}

/**
 * SQL: whether the mirror table is, by its numbers, the one that a row of state remembers, and whether it
 * survives a crash of the server. It reads only PostgreSQL's catalog, so it may run with each statement.
 *
 * @param identifier of the mirror table; a parameter or a placeholder.
 */
export function isRemembered(store: StateStore, schema: string, identifier: unknown): SQL<boolean> {
  const { tables } = store.tables;
  return sql<boolean>`EXISTS (SELECT FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE c.oid = ${tables.mirrorOid}::oid AND c.relfilenode = ${tables.mirrorFile}::oid
     AND n.nspname = ${schema} AND c.relname = ${identifier} AND c.relpersistence = 'p'
     AND (c.relkind <> 'p' OR ${tables.mirrorParts} = ${sql.raw(identityOfPartitions('c.oid'))}))`;
}

/** SQL: whether the remembered mirror table has the column that marks rows as deleted. */
export function hasMarks({ tables: { tables } }: StateStore): SQL<boolean> {
  return sql<boolean>`EXISTS (SELECT FROM pg_catalog.pg_attribute a
   WHERE a.attrelid = ${tables.mirrorOid}::oid AND a.attname = ${DELETED_AT} AND NOT a.attisdropped)`;
}

/**
 * SQL: whether the remembered mirror table has a trigger of others on changes of rows, or a deferrable
 * constraint.
 */
export function hasTriggers({ tables: { tables } }: StateStore): SQL<boolean> {
  return sql<boolean>`EXISTS (SELECT FROM pg_catalog.pg_trigger t
   WHERE (t.tgrelid = ${tables.mirrorOid}::oid OR ${tables.mirrorParts} IS NOT NULL AND t.tgrelid IN (
           SELECT p.relid FROM pg_catalog.pg_partition_tree(${tables.mirrorOid}::oid::regclass) p))
     AND (NOT t.tgisinternal OR t.tgdeferrable) AND t.tgtype & 28 <> 0
     AND t.tgname NOT IN (${sql.raw(OWN_TRIGGERS)}))`;
}

/** SQL: whether the remembered mirror table has all of these triggers of ours. */
export function hasOwnTriggers(
  { tables: { tables } }: StateStore,
  triggers: readonly OwnTrigger[],
): SQL<boolean> {
  return sql<boolean>`(SELECT count(*) FROM pg_catalog.pg_trigger t WHERE t.tgrelid = ${tables.mirrorOid}::oid
     AND t.tgenabled = 'A' AND t.tgname IN (${sql.raw(namesOf(triggers))})) = ${sql.raw(String(triggers.length))}`;
}

/** The failure of a page whose rows would go into another table than the one that the link stands for. */
export function mirrorReplaced({ table, qualified }: MirrorTable): Failure {
  return new Failure({
    code: 'mirror-replaced',
    message: `The mirror table ${qualified} is not as it was left: it was replaced, rewritten or restored.`,
    details: { table: table.logicalName },
  });
}

function ofTable(store: StateStore, table: string) {
  const { tables } = store.tables;
  return and(eq(tables.environmentId, store.environmentId), eq(tables.table, table));
}
