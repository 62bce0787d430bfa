import type { FeedPhase } from '../../model/checkpoint.ts';
import type { Failure } from '../../model/failure.ts';
import { interval } from './leases.ts';
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
  await store.db.insert(runs).values({
    environmentId: store.environmentId,
    startedAt: sql`clock_timestamp() - ${interval(milliseconds)}`,
    finishedAt: sql`clock_timestamp()`,
    ...values,
  });
}

/** Records why a table did not come up to date; the next success takes it back. */
export async function recordFailure(store: StateStore, table: string, failure: Failure): Promise<void> {
  const { tables } = store.tables;
  const error = {
    errorCode: failure.code,
    errorMessage: failure.message,
    errorRemedy: failure.remedy,
    errorReaction: failure.reaction,
    errorAt: sql`clock_timestamp()`,
  };
  await store.db
    .insert(tables)
    .values({ environmentId: store.environmentId, table, failures: 1, ...error })
    .onConflictDoUpdate({
      target: [tables.environmentId, tables.table],
      set: { failures: sql`${tables.failures} + 1`, ...error },
    });
}

const RUNS_KEPT = '30 days';

/** Forgets runs that ended long ago. */
export async function pruneRuns(store: StateStore): Promise<void> {
  const { runs } = store.tables;
  await store.db
    .delete(runs)
    .where(
      and(
        eq(runs.environmentId, store.environmentId),
        lt(runs.finishedAt, sql`now() - ${RUNS_KEPT}::interval`),
      ),
    );
}
