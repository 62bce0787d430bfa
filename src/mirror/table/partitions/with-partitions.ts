import type pg from 'pg';

/** A table with its partitions, each by its name, quoted where necessary. @param qualified quoted. */
export async function withPartitions(client: pg.ClientBase, qualified: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.oid::regclass::text AS name FROM pg_class c
      WHERE c.oid = $1::regclass OR c.oid IN (SELECT t.relid FROM pg_partition_tree($1::regclass) t)`,
    [qualified],
  );
  return rows.map(({ name }) => name);
}

/**
 * Changes the replica identity of a table and of its partitions. PostgreSQL goes by the identity of the partition that
 * has the row, and the statement changes only the table that it names.
 */
export async function setReplicaIdentity(
  client: pg.ClientBase,
  qualified: string,
  identity: 'default' | 'full',
): Promise<void> {
  for (const name of await withPartitions(client, qualified)) {
    await client.query(`ALTER TABLE ${name} REPLICA IDENTITY ${identity.toUpperCase()}`);
  }
}
