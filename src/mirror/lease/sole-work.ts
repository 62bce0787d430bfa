import { and, eq, interval, sql } from '../drizzle.ts';
import type { StateStore } from '../state/store.ts';
import { qualifiedName, quoteLiteral } from '../table/identifier.ts';
import type { SoleWork } from './sole-work-schema.ts';

/** A process, and the state of the environment that it works on. */
export interface Worker {
  readonly store: StateStore;
  /** The name of the process. */
  readonly holder: string;
}

/**
 * Takes or keeps the right to do some work, by the clock of the database.
 *
 * @param duration milliseconds until another process may have the right.
 * @returns whether this process has it. @throws Failure
 */
export async function takeWork(
  { store, holder }: Worker,
  work: SoleWork,
  duration: number,
): Promise<boolean> {
  const { soleWorkers } = store.tables;
  const { environmentId } = store;
  const expiresAt = sql`clock_timestamp() + ${interval(duration)}`;
  const taken = await store.statement(async (db) =>
    db
      .insert(soleWorkers)
      .values({ environmentId, work, holder, expiresAt })
      .onConflictDoUpdate({
        target: [soleWorkers.environmentId, soleWorkers.work],
        set: { holder, expiresAt },
        setWhere: sql`${soleWorkers.holder} = ${holder} OR ${soleWorkers.expiresAt} < clock_timestamp()`,
      })
      .returning({ holder: soleWorkers.holder }),
  );
  return taken.length > 0;
}

/** Gives the right back, so that another process may do the work at once. @throws Failure */
export async function leaveWork({ store, holder }: Worker, work: SoleWork): Promise<void> {
  const { soleWorkers } = store.tables;
  const isOurs = and(
    eq(soleWorkers.environmentId, store.environmentId),
    eq(soleWorkers.work, work),
    eq(soleWorkers.holder, holder),
  );
  await store.statement(async (db) => db.delete(soleWorkers).where(isOurs));
}

/** SQL: whether the process still has the right. @param at the numbers of the parameters: environment and holder. */
export function hasWork(
  store: StateStore,
  work: SoleWork,
  [environment, holder]: readonly [string, string],
): string {
  return `EXISTS (SELECT FROM ${qualifiedName(store.schema, 'sole_workers')}
                   WHERE environment_id = ${environment} AND work = ${quoteLiteral(work)} AND holder = ${holder}
                     AND expires_at > clock_timestamp())`;
}
