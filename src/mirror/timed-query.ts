import type { Pool, QueryConfig } from 'pg';

/** Milliseconds within which a small statement is answered, or the connection is taken for dead. */
const ANSWER_TIMEOUT = 10_000;

/** A query that the driver gives up after a while; its connection is then to be thrown away. */
export interface TimedQuery extends QueryConfig {
  /** Milliseconds. */
  readonly query_timeout: number;
}

export function timed(text: string, values: readonly unknown[] = []): TimedQuery {
  return { text, values: [...values], query_timeout: ANSWER_TIMEOUT };
}

/**
 * The pool as drizzle uses it, for statements that are small and wait for nothing: one that is not
 * answered in time fails, and the pool throws its connection away.
 */
export function impatient(pool: Pool): Pool {
  const query = async (config: QueryConfig, values?: unknown[]) =>
    pool.query({ ...config, query_timeout: ANSWER_TIMEOUT } as QueryConfig, values);
  // Of a client without a transaction drizzle calls nothing else.
  return { query } as unknown as Pool;
}
