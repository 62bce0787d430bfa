import type { LoadFigures } from '../../model/load-progress.ts';
import type { RunResult } from '../run/run-outcome.ts';

/** What is told of a run that has ended. */
export type EndedLoad = Pick<RunResult, 'table' | 'failure' | 'milliseconds'>;

/** Is told how the loads of all tables go. */
export interface LoadWatch {
  /**
   * A load begins, goes on where an earlier process left it, or has stored a page.
   *
   * @param figures tells how far the load is at the time of the call.
   */
  loading(table: string, figures: () => LoadFigures): void;
  /** The run waits for another process that has the table. */
  waiting(table: string, text: string): void;
  /** The run of a table has ended, whether it loaded or not. */
  ended(result: EndedLoad): void;
}
