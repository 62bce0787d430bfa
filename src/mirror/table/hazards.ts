import type pg from 'pg';
import { Failure } from '../../model/failure.ts';
import { quoteIdentifier } from './identifier.ts';
import type { MirrorTable } from './mirror-table.ts';
import { endVacuum, STRONG_LOCK_TIMEOUT, WITHOUT_LOCK_TIMEOUT } from '../connection/strong-lock.ts';

/** A foreign key that somebody added to a mirror table, or that refers to one. */
interface ForeignKey {
  readonly name: string;
  /** Schema and name of the table that has it, quoted. */
  readonly table: string;
}

/**
 * Makes sure that nothing was done to a mirror table that would keep rows from it, or merge two of them.
 *
 * @throws Failure `foreign-key` where rows of it have to wait for rows of other tables, which come in an
 *   order of their own; `collation` where two partitions may count as the same one.
 */
export async function assertNoHazards(client: pg.ClientBase, mirror: MirrorTable): Promise<void> {
  const { qualified, table, columns, partitionField } = mirror;
  // From PostgreSQL 18 on a foreign key may be there without being enforced.
  const { rows } = await client.query<ForeignKey>(
    `SELECT conname AS name, conrelid::regclass::text AS table FROM pg_constraint c
      WHERE conrelid = $1::regclass AND contype = 'f' AND to_jsonb(c) ->> 'conenforced' IS DISTINCT FROM 'false'
      ORDER BY 1`,
    [qualified],
  );
  if (rows.length > 0) {
    const names = rows.map(({ name }) => name).join(', ');
    throw new Failure({
      code: 'foreign-key',
      message: `The mirror table ${qualified} has foreign keys (${names}). mirrorverse loads each table at its own pace, so PostgreSQL would refuse rows that refer to rows which come later.`,
      remedy: `Run ${rows.map(({ name }) => `ALTER TABLE ${qualified} DROP CONSTRAINT ${quoteIdentifier(name)};`).join(' ')} Then the table goes on by itself.`,
      details: { table: table.logicalName, constraints: rows.map(({ name }) => name) },
    });
  }
  const partition = partitionField === undefined ? undefined : columns[partitionField]?.identifier;
  if (partition === undefined) return;
  const { rowCount } = await client.query(
    `SELECT FROM pg_attribute a JOIN pg_collation c ON c.oid = a.attcollation
      WHERE a.attrelid = $1::regclass AND a.attname = $2 AND NOT c.collisdeterministic`,
    [qualified, partition],
  );
  if (rowCount === 0) return;
  const column = quoteIdentifier(partition);
  throw new Failure({
    code: 'collation',
    message: `Column ${column} of the mirror table ${qualified} has a nondeterministic collation, by which two partitions may count as one.`,
    remedy: `Run ALTER TABLE ${qualified} ALTER COLUMN ${column} TYPE text COLLATE "default". Then the table goes on by itself.`,
    details: { table: table.logicalName, column: partition },
  });
}

/**
 * The first foreign key of another table that would refuse a delete in the mirror table; undefined where
 * there is none. One that deletes or empties what refers to the row is in nobody's way.
 */
export async function findRefusingReference(
  client: pg.ClientBase,
  { qualified }: MirrorTable,
): Promise<ForeignKey | undefined> {
  const { rows } = await client.query<ForeignKey>(
    `SELECT conname AS name, conrelid::regclass::text AS table FROM pg_constraint c
      WHERE confrelid = to_regclass($1) AND conrelid <> confrelid AND contype = 'f' AND confdeltype IN ('a', 'r')
        AND to_jsonb(c) ->> 'conenforced' IS DISTINCT FROM 'false'
      ORDER BY 2, 1 LIMIT 1`,
    [qualified],
  );
  return rows[0];
}

/**
 * Whether a mirror table is published, and PostgreSQL refuses its updates and deletes for want of a replica
 * identity. One without a primary key gets its identity from the next run.
 */
export async function lacksReplicaIdentity(
  client: pg.ClientBase,
  { schema, identifier }: MirrorTable,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relname = $2
        AND (c.relreplident = 'n' OR c.relreplident = 'i'
             AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisreplident))
        AND EXISTS (SELECT FROM pg_publication_tables t JOIN pg_publication p USING (pubname)
                     WHERE t.schemaname = n.nspname AND t.tablename = c.relname AND (p.pubupdate OR p.pubdelete))`,
    [schema, identifier],
  );
  return rowCount !== 0;
}

/**
 * Gives a mirror table without a primary key the replica identity that a publication of it needs, one
 * FOR ALL TABLES for instance: without it PostgreSQL refuses every update and delete. A partition may be
 * null, which an index that stands for the identity may not hold, so the whole row stands for it.
 */
export async function ensureReplicaIdentity(
  client: pg.ClientBase,
  { qualified }: MirrorTable,
): Promise<void> {
  const { rowCount } = await client.query(
    `SELECT FROM pg_class c WHERE c.oid = $1::regclass AND c.relreplident = 'd'
        AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)`,
    [qualified],
  );
  if (rowCount === 0) return;
  await endVacuum(client, qualified);
  await client.query(`SET LOCAL lock_timeout = ${STRONG_LOCK_TIMEOUT}`);
  await client.query(`ALTER TABLE ${qualified} REPLICA IDENTITY FULL`);
  await client.query(WITHOUT_LOCK_TIMEOUT);
}
