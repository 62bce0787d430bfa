import type pg from 'pg';
import { distribute } from '../citus/citus-statements.ts';
import { qualifiedName, shortenIdentifier } from '../table/identifier.ts';
import type { MirrorTable } from '../table/mirror-table.ts';
import type { StateStore } from '../state/store.ts';

/** The names of a verification's scratch tables, each with its schema, quoted. */
export interface ScratchTables {
  /** Keys and versions that the source had. */
  readonly keys: string;
  /** Rows that may differ. */
  readonly suspects: string;
}

export function scratchTables(
  store: StateStore,
  { table }: { readonly table: Pick<MirrorTable['table'], 'logicalName'> },
): ScratchTables {
  const named = (what: string): string =>
    qualifiedName(store.schema, shortenIdentifier(`${what}_${store.environmentId}_${table.logicalName}`));
  return { keys: named('verify'), suspects: named('suspects') };
}

/**
 * Makes both tables anew. They live from the first page of a verification to its end. They are tables and not memory,
 * so a verification of any size needs little memory, and goes on after a crash.
 *
 * A row may come twice: a row that changes moves to a later window. The highest version counts. It is a suspect only
 * once, because a verdict is about a row.
 */
export async function createScratch(
  client: pg.ClientBase,
  { keys, suspects }: ScratchTables,
  isDistributed: boolean,
): Promise<void> {
  await client.query(
    `DROP TABLE IF EXISTS ${keys}, ${suspects};
     CREATE TABLE ${keys} (key uuid NOT NULL, partition text, version bigint);
     ALTER TABLE ${keys} REPLICA IDENTITY FULL;
     CREATE TABLE ${suspects} (
       key uuid NOT NULL, partition text, kind text NOT NULL, source_version bigint, mirror_version bigint,
       is_present boolean NOT NULL DEFAULT false, was_gone boolean NOT NULL DEFAULT false,
       columns text[] NOT NULL DEFAULT '{}', fingerprint text,
       found_at timestamptz NOT NULL DEFAULT clock_timestamp(), UNIQUE NULLS NOT DISTINCT (key, partition));
     ALTER TABLE ${suspects} REPLICA IDENTITY FULL`,
  );
  // The full join of the keys with the mirror table then stays within each shard.
  if (isDistributed) await client.query(distribute(keys, 'key'));
}

export async function dropScratch(client: pg.ClientBase, { keys, suspects }: ScratchTables): Promise<void> {
  await client.query(`DROP TABLE IF EXISTS ${keys}, ${suspects}`);
}

/** Whether both tables exist, as a verification under way needs them. */
export async function hasScratch(client: pg.ClientBase, { keys, suspects }: ScratchTables): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>(
    'SELECT to_regclass($1) IS NOT NULL AND to_regclass($2) IS NOT NULL AS there',
    [keys, suspects],
  );
  return rows[0]?.there === true;
}
