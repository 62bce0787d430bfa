import type pg from 'pg';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { despiteContention, statement, transaction } from '../connection/postgres.ts';
import { postgresFailure } from '../connection/sqlstate.ts';
import { stateTables, type StateTables } from './schema.ts';
import { drizzle } from '../drizzle.ts';

/**
 * The state tables of one environment, over the pool or inside a transaction. A function that takes a store
 * works in both: with a store of a transaction, it becomes a part of that transaction.
 */
export interface StateStore {
  readonly tables: StateTables;
  readonly schema: string;
  readonly environmentId: number;
  /** Builds and runs SQL. Its errors are those of `pg`, wrapped by drizzle. */
  readonly db: NodePgDatabase;
  /**
   * Runs one small statement, and repeats it when it lost against another transaction. Over the pool it fails
   * when the answer takes longer than 10 s.
   *
   * @param signal ends the pauses between two tries.
   * @throws Failure
   */
  statement<T>(work: (db: NodePgDatabase) => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Runs `work` in a transaction of its own; a store of a transaction runs it inside that one. @throws Failure */
  transaction<T>(work: (store: StateStore) => Promise<T>): Promise<T>;
  /** The same store inside the client's transaction. */
  on(client: pg.PoolClient): StateStore;
}

export function openStateStore(pool: pg.Pool, schema: string, environmentId: number): StateStore {
  const state = { tables: stateTables(schema), schema, environmentId };
  const on = (client: pg.PoolClient): StateStore => {
    const db = drizzle(client);
    // The caller that began the transaction repeats it as a whole, and turns its errors into failures.
    const inside: StateStore = {
      ...state,
      db,
      statement: async (work) => work(db),
      transaction: async (work) => work(inside),
      on,
    };
    return inside;
  };
  const db = drizzle({ client: impatient(pool) });
  return {
    ...state,
    db,
    async statement(work, signal) {
      try {
        return await despiteContention(async () => work(db), signal);
      } catch (error) {
        throw postgresFailure(error);
      }
    },
    transaction: async (work) => transaction(pool, async (client) => work(on(client))),
    on,
  };
}

/** The pool, as drizzle uses it outside a transaction: it calls nothing but `query`. */
function impatient(pool: pg.Pool): pg.Pool {
  const query = async (config: pg.QueryConfig, values?: unknown[]) =>
    statement(pool, values === undefined ? config : { ...config, values });
  return { query } as unknown as pg.Pool;
}
