import type { PassProgress } from './pass-progress.ts';

type Changes = Pick<PassProgress, 'rowsWritten' | 'rowsDeleted'>;

/**
 * Tells whether another process has found changes of a table, by the counter of changes that all of them
 * keep: one that polls the table after them finds nothing, and would think that it rests.
 */
export class OthersChanges {
  /** The counter as it must be if nobody else has changed it since the last run. */
  private expected: number | undefined;
  /** As it was before the run under way. */
  private before: number | undefined;
  private found = false;

  /** The counter was read, after so much of the run under way had been stored. */
  counterRead(changes: number, progress: Changes): void {
    this.before = changes - made(progress);
    // It may be lower: the state was lost, and with it what was known of the table.
    if (this.expected !== undefined && this.before !== this.expected) this.found = true;
  }

  /** Whether others had changed it by the last time that it was read. */
  runEnded(progress: Changes): boolean {
    const { found } = this;
    this.found = false;
    if (this.before !== undefined) this.expected = this.before + made(progress);
    this.before = undefined;
    return found;
  }
}

function made({ rowsWritten, rowsDeleted }: Changes): number {
  return rowsWritten + rowsDeleted;
}
