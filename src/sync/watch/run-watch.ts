import type { Failure } from '../../model/failure.ts';

/** How loud a table's line about its failure is. */
export type Loudness = 'debug' | 'warn' | 'error';

/** Hears how the runs of all tables go. */
export interface RunWatch {
  /**
   * A run failed, or met a trouble of PostgreSQL that it waits for.
   *
   * @returns how loud the line about it is to be.
   */
  failed(table: string, failure: Failure): Loudness;
  /** A page of the table was read and stored. */
  progressed(table: string): void;
  /** The table is up to date. */
  succeeded(table: string): void;
}
