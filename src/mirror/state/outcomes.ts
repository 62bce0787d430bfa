import type { FeedPhase } from '../../model/checkpoint.ts';
import type { Failure } from '../../model/failure.ts';
import { interval } from '../lease/leases.ts';
import type { StateStore } from './store.ts';
import { and, eq, lt, sql } from './drizzle.ts';

/** What one run of a table's job did. */
export interface RunRecord {
  readonly table: string;
  /** The phase it began in. */
  readonly phase: FeedPhase;
  readonly milliseconds: number;
  readonly pages: number;
  readonly rowsRead: number;
  readonly rowsWritten: number;
  readonly rowsDeleted: number;
  readonly rowsQuarantined: number;
  readonly errorCode: string | null;
}

/** Records a run, by the database's clock. Runs that found nothing to do are not worth a row each. */
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

/** What a run that failed knows of its own time. */
export interface FailedRun {
  /** By which it last held the table's lease; undefined where it never did. */
  readonly fence: bigint | undefined;
  /** How long it took. */
  readonly milliseconds: number;
}

/**
 * Records why a table did not come up to date; the next success takes it back. The lease has been given
 * back by then: where another process has taken over since, or has had a success, its outcome stands.
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
  // A span of time, as the clocks here and in the database may differ.
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

const RUNS_KEPT = '30 days';

/** Forgets runs that ended long ago. */
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
