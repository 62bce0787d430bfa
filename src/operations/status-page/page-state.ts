import type { MirrorDatabase } from '../../mirror/database.ts';
import { findState } from '../../mirror/state/environments.ts';
import { readRecentRuns, type RecentRun } from '../../mirror/state/outcomes.ts';
import { summaryOf, toFailure, type FailureSummary } from '../../model/failure.ts';
import type { StatusReport } from '../status/mirror-status.ts';

/** What the page shows. */
export interface PageState {
  /** Undefined before the database was read for the first time. */
  readonly report: StatusReport | undefined;
  readonly runs: readonly RecentRun[];
  /** Why the mirror is not kept up to date, or why the database cannot be read; null if all is well. */
  readonly trouble: FailureSummary | null;
  /** Now, in milliseconds since 1970, by the database's clock. */
  readonly now: number;
}

export interface PageFacts {
  /** @throws Failure */
  readonly status: () => Promise<StatusReport>;
  readonly database: () => Promise<MirrorDatabase>;
  readonly notReady: () => FailureSummary | null;
}

/** Runs that the page shows. */
const RUNS_SHOWN = 12;
/** Milliseconds for which what was read is shown again. */
const FRESH = 2_000;

/**
 * Reads what the page shows, once for all who ask at the same time. If the database does not answer, what was read
 * last is shown, and why it is old.
 */
export function pageStateReader(facts: PageFacts): () => Promise<PageState> {
  let last: Pick<PageState, 'report' | 'runs'> = { report: undefined, runs: [] };
  let readAt = Number.NEGATIVE_INFINITY;
  let clockAhead = 0;
  let failure: FailureSummary | null = null;

  const read = async (): Promise<void> => {
    try {
      const [report, runs] = await Promise.all([facts.status(), recentRuns(facts.database)]);
      last = { report, runs };
      clockAhead = databaseTime(report) - Date.now();
      failure = null;
    } catch (error) {
      failure = summaryOf(toFailure(error));
    }
    readAt = performance.now();
  };

  let underWay: Promise<void> | undefined;
  return async () => {
    if (performance.now() - readAt >= FRESH) {
      underWay ??= read().finally(() => (underWay = undefined));
      await underWay;
    }
    return { ...last, trouble: failure ?? facts.notReady(), now: Date.now() + clockAhead };
  };
}

async function recentRuns(database: PageFacts['database']): Promise<readonly RecentRun[]> {
  const state = await findState(await database());
  return state === undefined ? [] : readRecentRuns(state.store, RUNS_SHOWN);
}

/** The database's clock when it was read. Only its distance from the last successes is known. */
function databaseTime({ tables }: StatusReport): number {
  for (const { lastSuccessAt, lagSeconds } of tables) {
    if (lastSuccessAt !== null && lagSeconds !== null) return Date.parse(lastSuccessAt) + 1_000 * lagSeconds;
  }
  return Date.now();
}
