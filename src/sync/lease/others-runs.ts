import type { Taken } from '../../mirror/lease/leases.ts';
import type { PassProgress } from '../run/pass-progress.ts';

type Changes = Pick<PassProgress, 'rowsWritten' | 'rowsDeleted'>;
type Seen = Pick<Taken, 'lease' | 'changes'>;

/** Runs in a row that found nobody else, after which this process counts as the only one. */
const ALONE = 3;

/**
 * What a process can tell of the others that run the same table. By the fence, which each run raises:
 * whether one has run at all. By the counter of changes, which all of them keep: whether it
 * has found any. Whoever polls a table after others finds nothing, and would think that it rests.
 */
export class OthersRuns {
  /** As this process's last run left them. */
  private known: { readonly fence: bigint; readonly changes: number } | undefined;
  /** As the run under way found them, the counter as it was before that run. */
  private found: { readonly fence: bigint; readonly changes: number } | undefined;
  private changed = false;
  /** Runs in a row that found nobody else; at the start a single one is enough. */
  private alone = ALONE - 1;

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
    const isAlone = fence === this.known.fence + 1n;
    this.alone = isAlone ? this.alone + 1 : 0;
    return !isAlone;
  }

  /** @returns whether others had found changes by the time that the lease was taken. */
  runEnded(progress: Changes): boolean {
    const { found, changed } = this;
    if (found !== undefined) this.known = { ...found, changes: found.changes + made(progress) };
    this.found = undefined;
    this.changed = false;
    return changed;
  }

  /**
   * The fence as this process's last run left it; undefined where others were seen to run the table. A
   * run that counts on it costs a request in vain when another process has raised it meanwhile, which
   * with two daemons would be each time.
   */
  get fenceAlone(): bigint | undefined {
    return this.alone < ALONE ? undefined : this.known?.fence;
  }

  /** A run that counted on the fence has raised it, and found no change. */
  ranAlone(): void {
    if (this.known !== undefined) this.known = { ...this.known, fence: this.known.fence + 1n };
  }
}

function made({ rowsWritten, rowsDeleted }: Changes): number {
  return rowsWritten + rowsDeleted;
}
