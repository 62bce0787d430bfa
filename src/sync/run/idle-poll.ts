import type { PageSource } from '../../dataverse/feed/change-feed.ts';
import { isLinkOf } from '../../dataverse/feed/links.ts';
import type { AcquiredLease } from '../../mirror/lease/leases.ts';
import type { Checkpoint } from '../../model/checkpoint.ts';
import type { Link, PlainPage } from '../../model/page.ts';
import type { Table } from '../../model/table.ts';
import { leadsBack } from './rewind.ts';
import type { RunProgress } from './run-progress.ts';

/**
 * A table whose last run brought it up to date. The run was of this process, or the first look found the table as
 * another process left it.
 *
 * The usual poll finds that nothing has changed. Taking the lease and giving it back would then be half
 * of the work. So a run first follows the link of a resting table without the lease. If nothing has changed,
 * one statement stores the new link, provided that no other process has run the table since: the fence is
 * then still the expected one. If the poll finds anything else, or fails, the run takes the lease.
 */
export interface RestingTable {
  readonly table: Table;
  readonly link: Link;
  readonly selection: string;
  /** The change feed that the last run followed; to make one for each poll would cost time. */
  readonly source: PageSource;
}

/**
 * The table as the next run may poll it without its lease; undefined where the checkpoint asks for more
 * than a delta, or has a link that does not belong to the table.
 */
export function restingTable(
  { table, source }: Pick<RestingTable, 'table' | 'source'>,
  { phase, link, selection }: Checkpoint,
): RestingTable | undefined {
  if (phase !== 'delta' || link?.kind !== 'delta' || selection === null) return undefined;
  return isLinkOf(table.entitySet, link) ? { table, link, selection, source } : undefined;
}

/** Whether the page that a delta link led to brings nothing but the link for the next poll. */
export function isIdle(
  { entitySet, isVirtual }: Pick<Table, 'entitySet' | 'isVirtual'>,
  followed: Link,
  page: PlainPage,
): page is PlainPage & { link: Link } {
  if (page.rows > 0 || page.tombstones.length > 0 || page.link?.kind !== 'delta') return false;
  return isLinkOf(entitySet, page.link) && (isVirtual === true || !leadsBack(followed, page.link));
}

type Changes = Pick<RunProgress, 'rowsWritten' | 'rowsDeleted'>;
type Found = Pick<AcquiredLease, 'lease' | 'changes'>;

/** After so many runs in a row that met no other process, this process counts as the only one. */
const ALONE = 3;

/**
 * What a process knows of other processes that run the same table.
 *
 * Each run raises the fence, so the fence tells whether another process has run the table at all. All
 * processes keep one counter of changes, so the counter tells whether another process found any. A
 * process that polls a table after the others finds nothing, and would believe that the table rests.
 */
export class OthersRuns {
  /** As this process's last run left them. */
  private known: { readonly fence: bigint; readonly changes: number } | undefined;
  /** As the first look found them. */
  private looked: { readonly fence: bigint; readonly changes: number } | undefined;
  /** As the run under way found them; the counter as it was before that run. */
  private found: { readonly fence: bigint; readonly changes: number } | undefined;
  private changed = false;
  /** Runs in a row that met no other process. It begins so that after a start one such run is enough. */
  private alone = ALONE - 1;

  /** The first look found the table so. That counts only if the first run then stores an idle poll. */
  begin(looked: { readonly fence: bigint; readonly changes: number }): void {
    this.looked = looked;
  }

  /**
   * The run under way has taken the lease, after it has made some changes already.
   *
   * @returns whether another process may have run the table since this process's last run.
   */
  leaseTaken({ lease: { fence }, changes }: Found, progress: Changes): boolean {
    this.found = { fence, changes: changes - made(progress) };
    if (this.known === undefined) return true;
    // The counter is lower if the state schema was lost and made anew.
    if (this.found.changes !== this.known.changes) this.changed = true;
    const isAlone = fence === this.known.fence + 1n;
    this.alone = isAlone ? this.alone + 1 : 0;
    return !isAlone;
  }

  /** @returns whether other processes had found changes by the time that the run took the lease. */
  runEnded(progress: Changes): boolean {
    const { found, changed } = this;
    if (found !== undefined) this.known = { ...found, changes: found.changes + made(progress) };
    this.found = undefined;
    this.changed = false;
    return changed;
  }

  /**
   * The fence that an idle poll demands: as this process's last run left it. Undefined where other processes run the
   * table too: another process would have raised the fence each time, and each poll would cost a request in vain.
   */
  get expectedFence(): bigint | undefined {
    return this.alone < ALONE ? undefined : this.known?.fence;
  }

  /** An idle poll was stored: it raised the fence, and found no change. */
  idlePollStored(): void {
    const before = this.known ?? this.looked;
    if (before !== undefined) this.known = { ...before, fence: before.fence + 1n };
  }
}

function made({ rowsWritten, rowsDeleted }: Changes): number {
  return rowsWritten + rowsDeleted;
}
