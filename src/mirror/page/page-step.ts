import type { Advance, Checkpoint } from '../../model/checkpoint.ts';
import type { Wishes } from '../control/pauses.ts';
import type { SweepTooLarge } from '../deletes/delete-approval.ts';
import type { LoadPage } from '../state/load-state.ts';
import type { RunCounts } from '../state/outcomes.ts';

/** What happens with one page: the checkpoint before it and the checkpoint after it. */
export interface PageStep {
  readonly from: Checkpoint;
  readonly advance: Advance;
  /** This is the first page of a baseline or re-baseline. */
  readonly begins: boolean;
  /** The table is up to date with this page. */
  readonly finished: boolean;
  /** The feed reads the end of this page once more, so it does not go on from this delta link. */
  readonly repeats?: boolean;
  /** Every run loads the whole table: a yes to the sweep of one load holds for the next load too. */
  readonly loadsEachTime?: boolean;
  /** The request for a new baseline that this page, the first of a load, answers. */
  readonly resync?: string | undefined;
  /** The page as the figures of its load count it; absent for a delta, and where a load has no figures. */
  readonly load?: LoadPage;
  /** Counts the requests that go on record with the page; absent, none are counted. */
  readonly requests?: (result: StoredPage) => Pick<RunCounts, 'requests' | 'idleRequests'>;
}

export interface PageResult {
  /** Rows inserted or replaced. */
  readonly written: number;
  /** Rows deleted, by tombstones and by a sweep. */
  readonly deleted: number;
  readonly quarantined: number;
  /** A sweep was due and did not happen; the page is stored all the same. */
  readonly refusedSweep: RefusedSweep | null;
  /** What people ask of the table by now. */
  readonly wishes: Wishes;
}

/** What a page did to the mirror table. */
export type StoredPage = Omit<PageResult, 'wishes'>;

/** A sweep that would delete more than it may before a person has said yes. */
export interface RefusedSweep extends SweepTooLarge {
  readonly table: string;
  /** The checkpoint that was stored in place of the step's. */
  readonly checkpoint: Checkpoint;
}

/** What a page adds to the table's counters. */
export function countsOf(step: PageStep, result: StoredPage): RunCounts {
  const { requests = 0, idleRequests = 0 } = step.requests?.(result) ?? {};
  return { requests, idleRequests, changes: result.written + result.deleted };
}
