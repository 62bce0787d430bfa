import { shortenIdentifier } from '../table/identifier.ts';
import { SUCCESS } from '../state/checkpoints.ts';
import { isRemembered } from '../state/remembered-load.ts';
import type { StateStore } from '../state/store.ts';
import { isPaused } from '../control/pauses.ts';
import { and, eq, isNull, not, sql } from '../drizzle.ts';

/** A run without a lease that found nothing: the state that the run started from, and what it stores. */
export interface IdleRun {
  readonly table: string;
  /** The fence, as the process's last run left it. */
  readonly fence: bigint;
  readonly selection: string;
  /** The delta link that the run followed. */
  readonly followed: string;
  /** The delta link that the environment returned. */
  readonly link: string;
  /** Requests to the Web API, for the record. */
  readonly requests: number;
}

/**
 * Stores an idle run, if the state is still the one that the run started from.
 *
 * @returns false, without effect, when the state has changed, or when another transaction has locked the row.
 * @throws Failure. Where the answer is lost, only the state table knows what was stored.
 */
export type StoreIdleRun = (run: IdleRun, signal: AbortSignal) => Promise<boolean>;

/**
 * Prepares the statement that stores idle runs.
 *
 * The fence serves as a version: a process that takes the lease or truncates the table raises it, and so does
 * an idle run, because other processes must notice it like any run. Link, phase and selection are compared
 * too: a person may change them by hand, or a new address of the environment may change them. The mirror
 * table must be the one that the link stands for, and no person may have paused the table or asked for a new baseline.
 *
 * All idle runs share one statement, prepared by name: building and planning it each time took longer than
 * running it. It waits for no lock, as `takeLease` does not.
 */
export function prepareIdleRuns(store: StateStore, schema: string): StoreIdleRun {
  const { db, environmentId } = store;
  const { tables } = store.tables;
  const requests = sql`${given('requests')}::bigint`;
  const asItWas = db
    .select({ at: sql`ctid` })
    .from(tables)
    .where(
      and(
        eq(tables.environmentId, environmentId),
        eq(tables.table, given('table')),
        eq(tables.fence, given('fence')),
        eq(tables.phase, 'delta'),
        eq(tables.linkKind, 'delta'),
        eq(tables.link, given('followed')),
        eq(tables.selection, given('selection')),
        isNull(tables.leaseHolder),
        not(isPaused(store)),
        isNull(tables.resyncAskedAt),
        isRemembered(store, schema, sql.placeholder('identifier')),
      ),
    )
    .for('no key update', { skipLocked: true });
  const statement = db
    .update(tables)
    .set({
      ...SUCCESS,
      link: sql`${given('link')}`,
      linkIssuedAt: sql`now()`,
      fence: sql`${tables.fence} + 1`,
      lastAttemptAt: sql`clock_timestamp()`,
      lastSuccessAt: sql`clock_timestamp()`,
      requests: sql`${tables.requests} + ${requests}`,
      idleRequests: sql`${tables.idleRequests} + ${requests}`,
      countedSince: sql`coalesce(${tables.countedSince}, clock_timestamp())`,
    })
    .where(sql`ctid = (${asItWas})`)
    .prepare('mirrorverse_idle_run');
  return async (run, signal) => {
    const { rowCount } = await store.statement(
      async () => statement.execute({ ...run, identifier: shortenIdentifier(run.table) }),
      signal,
    );
    return rowCount === 1;
  };
}

const given = (name: keyof IdleRun) => sql.placeholder(name);
