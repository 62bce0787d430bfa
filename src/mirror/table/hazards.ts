import type pg from 'pg';
import { Failure } from '../../model/failure.ts';
import { uniqueKey } from './ddl-plan.ts';
import type { MirrorTable } from './mirror-table.ts';
import { quoteIdentifier } from './identifier.ts';

/** A foreign key that somebody added to a mirror table, or that refers to one. */
export interface ForeignKey {
  readonly name: string;
  /** Schema and name of the table that has it, quoted. */
  readonly table: string;
}

/**
 * Checks that nothing was added to a mirror table that would refuse rows, or make two rows one.
 *
 * @throws Failure `foreign-key` where rows would have to wait for rows of other tables, which come at another
 *   time; `collation` where two partitions may count as the same one.
 */
export async function assertNoHazards(client: pg.ClientBase, mirror: MirrorTable): Promise<void> {
  const { qualified, table, columns, partitionField } = mirror;
  // From PostgreSQL 18 on, a foreign key may exist without being enforced.
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
    message: `Column ${column} of the mirror table ${qualified} has a nondeterministic collation. Two partitions may count as one under it.`,
    remedy: `Run ALTER TABLE ${qualified} ALTER COLUMN ${column} TYPE text COLLATE "default". Then the table goes on by itself.`,
    details: { table: table.logicalName, column: partition },
  });
}

/**
 * Finds the first foreign key of another table that would refuse a delete in the mirror table; undefined
 * where there is none. A foreign key that cascades or sets null refuses nothing.
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
 * Whether a mirror table is published without a replica identity, so that PostgreSQL refuses its updates and
 * deletes. A table without a primary key gets its identity from the next run.
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
 * Checks that the index exists that tells a mirror table's rows apart; without it no row can be replaced. A lost
 * index is not made again unasked: on a large table that takes long, and it fails where rows exist twice.
 *
 * @throws Failure `key-missing` with the statement that makes the index.
 */
export async function assertKey(client: pg.ClientBase, mirror: MirrorTable): Promise<void> {
  const { table, qualified, columns, keyField, partitionField } = mirror;
  const names = [keyField, ...(partitionField === undefined ? [] : [partitionField])]
    .map((field) => columns[field]?.identifier ?? '')
    .toSorted();
  const { rowCount } = await client.query(
    `SELECT FROM pg_index i
      WHERE i.indrelid = $1::regclass AND i.indisunique AND i.indisvalid AND i.indimmediate
        AND i.indpred IS NULL AND i.indexprs IS NULL AND (i.indisprimary OR i.indnullsnotdistinct OR NOT $3)
        AND ARRAY(SELECT a.attname::text COLLATE "C" FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, n)
              JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
             WHERE k.n <= i.indnkeyatts ORDER BY 1) = $2::text[]`,
    [qualified, names, partitionField !== undefined],
  );
  if (rowCount !== 0) return;
  throw new Failure({
    code: 'key-missing',
    message: `The mirror table ${qualified} has lost the key that tells its rows apart.`,
    remedy: `Run ALTER TABLE ${qualified} ADD ${uniqueKey(mirror)}. Where that fails, for rows that are there twice for instance, drop the table: it is loaded anew by itself.`,
    details: { table: table.logicalName },
  });
}
