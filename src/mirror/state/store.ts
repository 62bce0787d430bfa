import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type pg from 'pg';
import { impatient } from '../timed-query.ts';
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
