import type { StateStore } from './store.ts';
import { sql } from './drizzle.ts';

/** What is added to a table's counters. */
export interface RunCounts {
  /** Requests to the Web API. */
  readonly requests: number;
  /** Requests of a run that found no change, all of them once it is known to be one. */
  readonly idleRequests: number;
  /** Rows written or deleted. */
  readonly changes: number;
}

/** The assignments that add to a table's counters, for an UPDATE that is executed anyway. */
export function addedCounts({ tables: { tables } }: StateStore, counts: RunCounts) {
  const { requests, idleRequests, changes } = counts;
  if (requests === 0 && idleRequests === 0 && changes === 0) return {};
  return {
    requests: sql`${tables.requests} + ${requests}::bigint`,
    idleRequests: sql`${tables.idleRequests} + ${idleRequests}::bigint`,
    changes: sql`${tables.changes} + ${changes}::bigint`,
    countedSince: sql`coalesce(${tables.countedSince}, clock_timestamp())`,
  };
}
