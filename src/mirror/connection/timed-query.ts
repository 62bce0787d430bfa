import type { QueryConfig } from 'pg';

/** Milliseconds within which a small statement is answered, or the connection is taken for dead. */
export const ANSWER_TIMEOUT = 10_000;

/** A query that the driver gives up after a while; its connection is then to be thrown away. */
export interface TimedQuery extends QueryConfig {
  /** Milliseconds. */
  readonly query_timeout: number;
}

export function timed(text: string, values: readonly unknown[] = []): TimedQuery {
  return { text, values: [...values], query_timeout: ANSWER_TIMEOUT };
}
