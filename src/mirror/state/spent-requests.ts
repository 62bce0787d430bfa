import type { StateStore } from './store.ts';
import { and, eq, interval, lt, sql } from '../drizzle.ts';

/** Milliseconds after which a minute counts in no figure any more. */
const KEPT = 25 * 3_600_000;

/** What all processes with this state have spent, by the database's clock. */
export interface SpentRequests {
  /** Until when the environment wants no requests; null where it takes them. */
  readonly throttledUntil: Date | null;
  /** Requests of the busiest identity in five minutes, because Dataverse limits each identity by itself. */
  readonly requestsIn5Minutes: number;
  /** Requests of all identities, because they share the entitlement of the tenant. */
  readonly requestsIn24Hours: number;
}

/**
 * Adds requests to the current minute of an identity, and removes what is too old for every figure.
 *
 * @param identity a digest.
 * @throws Failure
 */
export async function addRequests(store: StateStore, identity: string, sent: number): Promise<void> {
  const { environmentId } = store;
  const { requests } = store.tables;
  const isOld = and(
    eq(requests.environmentId, environmentId),
    lt(requests.minute, sql`now() - ${interval(KEPT)}`),
  );
  await store.statement(async (db) => {
    const old = db.$with('old').as(db.delete(requests).where(isOld));
    await db
      .with(old)
      .insert(requests)
      .values({ environmentId, identity, minute: sql`date_trunc('minute', now())`, requests: sent })
      .onConflictDoUpdate({
        target: [requests.environmentId, requests.identity, requests.minute],
        set: { requests: sql`${requests.requests} + excluded.requests` },
      });
  });
}

/** The moment so many milliseconds ago, by the database's clock. */
const since = (milliseconds: number) => sql`clock_timestamp() - ${interval(milliseconds)}`;

/** Reads what was spent, to the minute. @throws Failure */
export async function readSpentRequests(store: StateStore): Promise<SpentRequests> {
  const { environments, requests } = store.tables;
  const ofIdentities = sql`
    SELECT sum(${requests.requests}) FILTER (WHERE ${requests.minute} > ${since(300_000)}) AS five_minutes,
           sum(${requests.requests}) FILTER (WHERE ${requests.minute} > ${since(86_400_000)}) AS day
      FROM ${requests} WHERE ${requests.environmentId} = ${store.environmentId} GROUP BY ${requests.identity}`;
  const [row] = await store.statement(async (db) =>
    db
      .select({
        throttledUntil: environments.throttledUntil,
        isThrottled: sql<boolean>`${environments.throttledUntil} > clock_timestamp()`,
        requestsIn5Minutes: sql<number>`(SELECT coalesce(max(five_minutes), 0)::float8 FROM (${ofIdentities}) AS spent)`,
        requestsIn24Hours: sql<number>`(SELECT coalesce(sum(day), 0)::float8 FROM (${ofIdentities}) AS spent)`,
      })
      .from(environments)
      .where(eq(environments.id, store.environmentId)),
  );
  const { throttledUntil, isThrottled, requestsIn5Minutes = 0, requestsIn24Hours = 0 } = row ?? {};
  return {
    throttledUntil: isThrottled === true ? (throttledUntil ?? null) : null,
    requestsIn5Minutes,
    requestsIn24Hours,
  };
}
