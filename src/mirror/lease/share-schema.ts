import type { PgTableFn } from 'drizzle-orm/pg-core';
import { moment, pgCore } from '../drizzle.ts';

const { doublePrecision, integer, primaryKey, text } = pgCore;

/** The table of shares of the budget. @param table as for the other tables of the state. */
export function defineShares<S extends string | undefined>(table: PgTableFn<S>) {
  /** What each process may spend of the limits of its identity, and what it has spent of them. */
  const shares = table(
    'shares',
    {
      /** A digest of the identity's id. */
      identity: text('identity').notNull(),
      process: text('process').notNull(),
      /** A digest of the tables that the process mirrors. Daemons with the same digest take turns. Null for a command. */
      replicaGroup: text('replica_group'),
      /** How much the process needs, from 0 to 1. */
      weight: doublePrecision('weight').notNull(),
      /** The limits that the process is configured with: requests, requests in flight, milliseconds. */
      limits: integer('limits').array().notNull(),
      requests: integer('requests').notNull(),
      concurrency: integer('concurrency').notNull(),
      /** Milliseconds. */
      executionTime: integer('execution_time').notNull(),
      /** Requests within the window at the last renewal, by age. */
      spentRequests: integer('spent_requests').array().notNull(),
      /** Milliseconds of execution time, by age. */
      spentTime: integer('spent_time').array().notNull(),
      inFlight: integer('in_flight').notNull(),
      renewedAt: moment('renewed_at').notNull(),
      /** From then on the process begins no request. */
      expiresAt: moment('expires_at').notNull(),
      /** Until when the environment makes the identity wait, as this process was told. */
      throttledUntil: moment('throttled_until'),
    },
    (t) => [primaryKey({ name: 'shares_pkey', columns: [t.identity, t.process] })],
  );
  return { shares };
}
