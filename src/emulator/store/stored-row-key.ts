/**
 * What tells a row from all others of its table: the id, and on elastic tables the id with the partition.
 *
 * A row without a partition lies in one named by its own id, so both ways of naming it are the same row.
 * Source: Microsoft, "Elastic tables for developers", partitioning and horizontal scaling.
 */
export function rowKey(id: string, partition: string | null): string {
  const own = id.toLowerCase();
  return partition === null || partition === own ? own : `${own}/${partition}`;
}
