/**
 * SQL: which partitions a table has: the hash of their numbers, and then the hash of their numbers of files. Null for a
 * table without partitions. A partition that was replaced changes the first hash. A partition that was truncated,
 * rewritten or made UNLOGGED changes the second one.
 *
 * @param relation SQL: the number of the table.
 */
export function identityOfPartitions(relation: string): string {
  return `(SELECT md5(string_agg(p.oid::text, ',' ORDER BY p.oid))
              || md5(string_agg(p.relfilenode::text || p.relpersistence::text, ',' ORDER BY p.oid))
             FROM pg_catalog.pg_partition_tree(${relation}) t JOIN pg_catalog.pg_class p ON p.oid = t.relid
            WHERE t.level > 0)`;
}

/** The part of an identity that tells a partition from another one that took its place. */
export function partitionsOf(identity: string | null): string | null {
  return identity?.slice(0, HASH) ?? null;
}

/** Characters of a hash. */
const HASH = 32;
