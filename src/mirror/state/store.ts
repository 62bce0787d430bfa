import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type pg from 'pg';
import { statement } from '../connection/postgres.ts';
import { stateTables, type StateTables } from './schema.ts';
import { drizzle } from './drizzle.ts';

/** The state tables of one environment, over the pool or inside a transaction. */
export interface StateStore {
  /** Over the pool, for small statements: one that takes long fails. */
  readonly db: NodePgDatabase;
  readonly tables: StateTables;
  readonly schema: string;
  readonly environmentId: number;
  /** The same on a client, so that what is written belongs to its transaction. */
  on(client: pg.PoolClient): NodePgDatabase;
}

export function openStateStore(pool: pg.Pool, schema: string, environmentId: number): StateStore {
  return {
    db: drizzle({ client: impatient(pool) }),
    tables: stateTables(schema),
    schema,
    environmentId,
    on: (client) => drizzle(client),
  };
}

/** The pool as drizzle uses it without a transaction: of a client it calls nothing else then. */
function impatient(pool: pg.Pool): pg.Pool {
  const query = async (config: pg.QueryConfig, values?: unknown[]) =>
    statement(pool, values === undefined ? config : { ...config, values });
  return { query } as unknown as pg.Pool;
}
