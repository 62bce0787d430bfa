import { z } from 'zod';

/** One partition is a table like any other, and only costs time. */
const FEWEST = 2;

/**
 * A statement that may touch all partitions takes a lock for each partition and for each of its indexes. With more
 * partitions and some indexes, a server with the default `max_locks_per_transaction` (64) has no room for these locks.
 */
const MOST = 256;

const RANGE = `must be a whole number from ${FEWEST} to ${MOST}`;

/** How many partitions a mirror table has. */
export const partition = z
  .int({ error: RANGE })
  .min(FEWEST, RANGE)
  .max(MOST, RANGE)
  .describe(
    `${FEWEST} to ${MOST}: the mirror table has so many partitions, by hash of its key. None by default.`,
  );

/** How the mirror tables are distributed over machines. */
export const distribution = z
  .enum(['citus'])
  .describe(
    'citus: the mirror tables are distributed over the nodes of a Citus cluster by their keys. Not distributed by default.',
  );
