import type pg from 'pg';
import { columnName, type MirrorTable } from '../mirror-table.ts';

/**
 * SQL: how many of some partitions have rows.
 *
 * @param leaves the partitions, each with its schema, quoted.
 * @param order SQL: how the rows are sorted; empty for as they come.
 */
export function filledAmong(leaves: readonly string[], order = ''): string {
  const each = leaves.map((leaf) => `(SELECT 1 FROM ${leaf} ${order} LIMIT 1)`);
  return `(SELECT count(one)::int FROM unnest(ARRAY[${each.join(', ')}]) AS one)`;
}

/** SQL: the partitions of table `c` that have rows or may have some, as a JSON array of quoted names; null for none. */
export const LEAVES = `(SELECT json_agg(format('%I.%I', n.nspname, p.relname)) FROM pg_partition_tree(c.oid) t
       JOIN pg_class p ON p.oid = t.relid JOIN pg_namespace n ON n.oid = p.relnamespace WHERE t.isleaf AND t.level > 0)`;

/**
 * How many partitions of a mirror table have rows; null for a table without partitions. It reads one row of each
 * partition by the key, because a scan would cross the places of all deleted rows first.
 */
export async function countFilled(client: pg.ClientBase, mirror: MirrorTable): Promise<number | null> {
  const found = await client.query<{ leaves: readonly string[] | null }>(
    `SELECT ${LEAVES} AS leaves FROM pg_class c WHERE c.oid = $1::regclass`,
    [mirror.qualified],
  );
  const leaves = found.rows[0]?.leaves ?? [];
  if (leaves.length === 0) return null;
  const count = filledAmong(leaves, `ORDER BY ${columnName(mirror, mirror.keyField)}`);
  const { rows } = await client.query<{ filled: number }>(`SELECT ${count} AS filled`);
  return rows[0]?.filled ?? 0;
}
