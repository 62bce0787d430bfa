import type pg from 'pg';
import { qualifiedName, quoteLiteral, shortenIdentifier } from '../identifier.ts';
import { columnName, type MirrorTable } from '../mirror-table.ts';

/**
 * The comment on a partition that mirrorverse made. PostgreSQL drops it together with the partition, so no other record
 * can disagree with it. Partitions without it are of somebody else, and mirrorverse leaves them as they are.
 */
const OURS = 'Made by mirrorverse, because of `partition`.';

/** How a mirror table is divided. */
export interface PartitionLayout {
  /** Partitions that mirrorverse made, if the table has them all; null for any other table. */
  readonly count: number | null;
  /** The table has partitions, of mirrorverse or of somebody else. */
  readonly isDivided: boolean;
  /** Some of the partitions are ours. */
  readonly hasOurs: boolean;
  /** Partitions that a crash of the server would empty, each with its schema, quoted. */
  readonly unlogged: readonly string[];
}

/** SQL: how table `c` is divided, as a JSON object of `PartitionLayout`. */
export const LAYOUT = `(SELECT json_build_object(
    'isDivided', c.relkind = 'p',
    'hasOurs', coalesce(bool_or(p.ours), false),
    'unlogged', coalesce(json_agg(p.oid::regclass::text) FILTER (WHERE p.unlogged), '[]'),
    'count', CASE WHEN bool_and(p.ours) AND count(DISTINCT p.bound) = max(p.modulus) AND min(p.modulus) = max(p.modulus)
                  THEN max(p.modulus) END)
  FROM (SELECT i.oid, i.relpersistence = 'u' AS unlogged, obj_description(i.oid, 'pg_class') IS NOT DISTINCT FROM ${quoteLiteral(OURS)} AS ours,
               pg_get_expr(i.relpartbound, i.oid) AS bound,
               substring(pg_get_expr(i.relpartbound, i.oid) FROM 'modulus ([0-9]+)')::int AS modulus
          FROM pg_inherits h JOIN pg_class i ON i.oid = h.inhrelid WHERE h.inhparent = c.oid AND i.relispartition) p)`;

/** Names of the partitions of a table, unquoted. No name of Dataverse begins with an underscore. */
export function partitionNames(table: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => shortenIdentifier(`_${table}_p${at}`));
}

/**
 * SQL: makes the table a partitioned one, by hash of its key. In a table whose key is completed by the partition of an
 * elastic table, the id alone decides, because a tombstone names only the id.
 */
export function partitionedBy(mirror: MirrorTable): string {
  return ` PARTITION BY HASH (${columnName(mirror, mirror.keyField)})`;
}

/**
 * Statements that make the partitions of a table.
 *
 * @param table its name, unquoted.
 * @param names of the partitions, unquoted.
 * @param storage SQL: storage parameters, which belong to partitions only; empty for none.
 */
export function createPartitions(
  schema: string,
  table: string,
  names: readonly string[],
  storage: string,
): readonly string[] {
  return names.flatMap((name, at) => {
    const partition = qualifiedName(schema, name);
    return [
      `CREATE TABLE ${partition} PARTITION OF ${qualifiedName(schema, table)} FOR VALUES WITH (MODULUS ${names.length}, REMAINDER ${at})${storage}`,
      `COMMENT ON TABLE ${partition} IS ${quoteLiteral(OURS)}`,
    ];
  });
}

/**
 * Takes all privileges on the partitions away from other roles. Default privileges would let roles read a partition that
 * may not read the mirror table, or only some of its rows and columns. Who reads by the mirror table needs none.
 */
export async function closePartitions(client: pg.ClientBase, qualified: string): Promise<void> {
  const { rows } = await client.query<{ statement: string }>(
    `SELECT DISTINCT format('REVOKE ALL ON %s FROM %s', p.oid::regclass,
              CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END) AS statement
       FROM pg_partition_tree($1::regclass) t JOIN pg_class p ON p.oid = t.relid, aclexplode(p.relacl) g
      WHERE t.level > 0 AND g.grantee <> p.relowner`,
    [qualified],
  );
  for (const { statement } of rows) await client.query(statement);
}

/**
 * Whether a mirror table has to be moved. `must`: somebody took partitions of ours away, so the table cannot take all
 * rows.
 *
 * @param wanted partitions; null for none, and undefined if the table stays as it is.
 */
export function moveOf(
  { count, hasOurs }: Pick<PartitionLayout, 'count' | 'hasOurs'>,
  wanted: number | null | undefined,
): 'must' | 'due' | 'no' {
  if (wanted === undefined) return 'no';
  if (hasOurs && count === null) return 'must';
  return (wanted === null ? hasOurs : count !== wanted) ? 'due' : 'no';
}
