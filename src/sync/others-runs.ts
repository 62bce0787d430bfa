import type { Taken } from '../mirror/state/leases.ts';
import type { PassProgress } from './pass-progress.ts';

type Changes = Pick<PassProgress, 'rowsWritten' | 'rowsDeleted'>;
type Seen = Pick<Taken, 'lease' | 'changes'>;

/**
 * What a process can tell of the others that run the same table. By the fence, which each taking of the
 * lease raises: whether one has run at all. By the counter of changes, which all of them keep: whether it
 * has found any. Whoever polls a table after others finds nothing, and would think that it rests.
 */
export class OthersRuns {
  /** As this process's last run left them. */
  private known: { readonly fence: bigint; readonly changes: number } | undefined;
  /** As the run under way found them, the counter as it was before that run. */
  private found: { readonly fence: bigint; readonly changes: number } | undefined;
  private changed = false;

  /**
   * The run under way has taken the lease, after so much of it had been stored.
   *
   * @returns whether another process may have run the table since this one's last run.
   */
  leaseTaken({ lease: { fence }, changes }: Seen, progress: Changes): boolean {
    this.found = { fence, changes: changes - made(progress) };
    if (this.known === undefined) return true;
    // It may be lower: the state was lost, and with it what was known of the table.
    if (this.found.changes !== this.known.changes) this.changed = true;
    return fence !== this.known.fence + 1n;
  }

  /** @returns whether others had found changes by the time that the lease was taken. */
  runEnded(progress: Changes): boolean {
    const { found, changed } = this;
    if (found !== undefined) this.known = { ...found, changes: found.changes + made(progress) };
    this.found = undefined;
    this.changed = false;
    return changed;
  }
}

function made({ rowsWritten, rowsDeleted }: Changes): number {
  return rowsWritten + rowsDeleted;
}
