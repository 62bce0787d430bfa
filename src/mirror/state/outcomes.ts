import type { StateStore } from './store.ts';
import { and, desc, eq, interval, lt, sql } from '../drizzle.ts';
import type { FeedPhase } from '../../model/checkpoint.ts';
import type { Failure } from '../../model/failure.ts';

/** What one run of a table's job did. */
export interface RunRecord {
  readonly table: string;
  /** The phase that the run began in. */
  readonly phase: FeedPhase;
  readonly milliseconds: number;
  readonly pages: number;
  readonly rowsRead: number;
  readonly rowsWritten: number;
  readonly rowsDeleted: number;
  readonly rowsQuarantined: number;
  readonly errorCode: string | null;
}

/** Records a run, by the database's clock. Runs that found nothing to do get no row. */
export async function recordRun(store: StateStore, run: RunRecord): Promise<void> {
  const { runs } = store.tables;
  const { milliseconds, ...values } = run;
  await store.statement(async (db) =>
    db.insert(runs).values({
      environmentId: store.environmentId,
      startedAt: sql`clock_timestamp() - ${interval(milliseconds)}`,
      finishedAt: sql`clock_timestamp()`,
      ...values,
    }),
  );
}

/** What a failed run knows about its own time. */
export interface FailedRun {
  /** The fence of the lease that the run last held; undefined where it held none. */
  readonly fence: bigint | undefined;
  /** How long the run took. */
  readonly milliseconds: number;
}

/**
 * Records why a table did not come up to date; the next success clears it. By then the run has given its
 * lease back: where another process has taken over or had a success since, the outcome of that process stays.
 */
export async function recordFailure(
  store: StateStore,
  table: string,
  failure: Failure,
  { fence, milliseconds }: FailedRun,
): Promise<void> {
  const { tables } = store.tables;
  const error = {
    errorCode: failure.code,
    errorMessage: failure.message,
    errorRemedy: failure.remedy,
    errorReaction: failure.reaction,
    errorAt: sql`clock_timestamp()`,
  };
  // A span of time is compared, because the clocks of this machine and of the database may differ.
  const noSuccessSince = sql`(${tables.lastSuccessAt} < clock_timestamp() - ${interval(milliseconds)}) IS NOT FALSE`;
  await store.statement(async (db) =>
    db
      .insert(tables)
      .values({ environmentId: store.environmentId, table, failures: 1, ...error })
      .onConflictDoUpdate({
        target: [tables.environmentId, tables.table],
        set: { failures: sql`${tables.failures} + 1`, ...error },
        setWhere: fence === undefined ? noSuccessSince : eq(tables.fence, fence),
      }),
  );
}

/** A run of a table that has ended. Runs that found nothing to do are not recorded. */
export interface RecentRun {
  readonly table: string;
  /** The phase that the run began in. */
  readonly phase: string;
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly rowsWritten: number;
  readonly rowsDeleted: number;
  readonly rowsQuarantined: number;
  /** Code of the failure that ended the run; null for a success. */
  readonly errorCode: string | null;
}

/** Reads the last runs, the newest first. Their order is that of their ids, because only that order has an index. */
export async function readRecentRuns(store: StateStore, limit: number): Promise<RecentRun[]> {
  const { runs } = store.tables;
  return store.statement(async (db) =>
    db
      .select({
        table: runs.table,
        phase: runs.phase,
        startedAt: runs.startedAt,
        finishedAt: runs.finishedAt,
        rowsWritten: runs.rowsWritten,
        rowsDeleted: runs.rowsDeleted,
        rowsQuarantined: runs.rowsQuarantined,
        errorCode: runs.errorCode,
      })
      .from(runs)
      .where(eq(runs.environmentId, store.environmentId))
      .orderBy(desc(runs.id))
      .limit(limit),
  );
}

const RUNS_KEPT = '30 days';

/** Deletes the records of runs that ended long ago. */
export async function pruneRuns(store: StateStore): Promise<void> {
  const { runs } = store.tables;
  await store.statement(async (db) =>
    db
      .delete(runs)
      .where(
        and(
          eq(runs.environmentId, store.environmentId),
          lt(runs.finishedAt, sql`now() - ${RUNS_KEPT}::interval`),
        ),
      ),
  );
}

/** What is added to a table's counters. */
export interface RunCounts {
  /** Requests to the Web API. */
  readonly requests: number;
  /** Requests of a run that found no change, counted when the run turns out to be one. */
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
