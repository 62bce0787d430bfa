/**
 * SQL: PostgreSQL's estimate of the rows of table `c`. Vacuum counts the rows of each partition, and never those of the
 * partitioned table. Negative where nothing was counted yet.
 */
export const ESTIMATED_ROWS = `(CASE WHEN c.relkind = 'p'
  THEN (SELECT coalesce(sum(p.reltuples) FILTER (WHERE p.reltuples > 0), -1)
          FROM pg_partition_tree(c.oid) t JOIN pg_class p ON p.oid = t.relid WHERE t.isleaf)
  ELSE c.reltuples END)::float8`;
