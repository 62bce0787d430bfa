import type { Failure } from '../../model/failure.ts';

/** The level of a table's log line about its failure. */
export type Loudness = 'debug' | 'warn' | 'error';

/** Is told how the runs of all tables go. */
export interface RunWatch {
  /**
   * A run failed, or it waits for PostgreSQL to work again.
   *
   * @returns the level of the log line about it.
   */
  failed(table: string, failure: Failure): Loudness;
  /** A page of the table was read and stored. */
  progressed(table: string): void;
  /** The table is up to date. */
  succeeded(table: string): void;
}
