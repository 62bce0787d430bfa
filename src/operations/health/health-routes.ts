import type { MirrorDatabase } from '../../mirror/database.ts';
import { findState } from '../../mirror/state/environments.ts';
import { neverLoaded } from '../../mirror/state/known-tables.ts';
import { notice, summaryOf, toFailure } from '../../model/failure.ts';
import { jsonReply, type Reply, type Route } from '../http/route.ts';
import type { StatusReport } from '../status/mirror-status.ts';
import { inTime, statusDocument, type ProcessFacts } from './process-status.ts';
import { readinessDocument } from './readiness.ts';

/** What the routes ask the daemon when a request comes. */
export interface HealthFacts extends ProcessFacts {
  readonly isAlive: () => boolean;
  /** The configured tables that have never been loaded completely. @throws Failure */
  readonly notLoaded: () => Promise<readonly string[]>;
  /** @throws Failure if the database does not answer. */
  readonly status: () => Promise<StatusReport>;
}

/**
 * `/healthz` answers 200 while the event loop and the schedules work. Database and environment do not count,
 * because a restart does not mend them. `/readyz` answers 200 while the mirror is kept up to date, else 503
 * with the reason. `/readyz?loaded` also asks that every configured table has been loaded. `/status` answers as
 * `mirrorverse status --json` does.
 */
export function healthRoutes(facts: HealthFacts): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/healthz',
      answer() {
        const alive = facts.isAlive();
        return jsonReply(alive ? 200 : 503, { alive });
      },
    },
    { method: 'GET', path: '/readyz', answer: async ({ query }) => readiness(facts, query.has('loaded')) },
    {
      method: 'GET',
      path: '/status',
      async answer() {
        try {
          return jsonReply(200, statusDocument(await facts.status(), facts));
        } catch (error) {
          return jsonReply(503, { error: summaryOf(toFailure(error)) });
        }
      },
    },
  ];
}

async function readiness(facts: HealthFacts, asksLoaded: boolean): Promise<Reply> {
  const reason = facts.notReady();
  if (reason !== null) return jsonReply(503, readinessDocument(reason));
  if (!asksLoaded) return jsonReply(200, { ready: true });
  try {
    const tables = await facts.notLoaded();
    if (tables.length === 0) return jsonReply(200, { ready: true, loaded: true });
    const many = tables.length === 1 ? '1 table has' : `${tables.length} tables have`;
    const said = notice('not-loaded', `${many} not been loaded completely yet: ${tables.join(', ')}.`);
    const failed = await inTime(failuresOf(facts, tables));
    const remedies = failed.map(({ table, remedy }) => `${table} has failed: ${remedy}`);
    const remedy = [...remedies, ...(failed.length < tables.length ? [said.remedy] : [])].join(' ');
    return jsonReply(503, { ready: false, ...said, remedy, tables, failed });
  } catch (error) {
    return jsonReply(503, { ready: false, ...summaryOf(toFailure(error)) });
  }
}

/** The tables among these that wait for somebody, each with its own remedy. Waiting would not load them. */
async function failuresOf({ status }: HealthFacts, names: readonly string[]) {
  const { tables } = await status();
  return tables.flatMap(({ table, phase, error }) =>
    names.includes(table) && phase === 'failed' && error !== null ? [{ table, ...error }] : [],
  );
}

/**
 * Asks PostgreSQL which of the tables have never been loaded. A table that was loaded once is not asked for again,
 * so the probes of a running daemon cost PostgreSQL nothing.
 *
 * @param configured the names of the configured tables, as they are at each call.
 */
export function createLoadedCheck(
  database: () => Promise<MirrorDatabase>,
  configured: () => readonly string[],
): () => Promise<readonly string[]> {
  const loaded = new Set<string>();
  return async () => {
    const open = configured().filter((name) => !loaded.has(name));
    if (open.length === 0) return [];
    const unloaded = new Set(await inTime(readUnloaded(database, open)));
    for (const name of open) if (!unloaded.has(name)) loaded.add(name);
    return open.filter((name) => unloaded.has(name));
  };
}

async function readUnloaded(
  database: () => Promise<MirrorDatabase>,
  names: readonly string[],
): Promise<readonly string[]> {
  const state = await findState(await database());
  return state === undefined ? names : neverLoaded(state.store, names);
}
