import { shortenIdentifier } from '../table/identifier.ts';
import { SUCCESS } from '../state/checkpoints.ts';
import { isRemembered } from '../state/remembered-load.ts';
import type { StateStore } from '../state/store.ts';
import { and, eq, isNull, sql } from '../state/drizzle.ts';

/** A run without a lease that found nothing: what it took the state to be, and what is to be stored. */
export interface IdleRun {
  readonly table: string;
  /** As the process's last run left it. */
  readonly fence: bigint;
  readonly selection: string;
  /** The delta link that was followed. */
  readonly followed: string;
  /** The delta link that came. */
  readonly link: string;
  /** To the Web API, to go on record. */
  readonly requests: number;
}

/**
 * Stores an idle run, if the state still is what the run took it to be.
 *
 * @returns false, without effect, when it is not, or when a transaction of somebody else keeps the row.
 * @throws Failure; where the answer is lost, only the state table knows what was stored.
 */
export type StoreIdleRun = (run: IdleRun, signal: AbortSignal) => Promise<boolean>;

/**
 * The fence is the version here: whoever has taken the lease since, or truncated the table, has raised
 * it, and so does this, which others are to notice like any other run. Link, phase and selection are
 * compared as well, for they may be changed by hand, or moved along with the environment's address; and
 * the mirror table has to be the very one that the link stands for.
 *
 * One statement for all idle runs, prepared by name: to put it together and to plan it anew took longer
 * than to execute it. It waits for nobody's lock, as `takeLease` does not.
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
