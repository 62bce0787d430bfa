import type { StoredPage } from '../../mirror/page/page-step.ts';
import type { Checkpoint } from '../../model/checkpoint.ts';
import type { PlainPage } from '../../model/page.ts';

/** What a run has done so far. */
export interface RunProgress {
  /** The phase that the run began in; or the re-baseline that it had to begin later. */
  readonly phase: Checkpoint['phase'];
  readonly pages: number;
  readonly rowsRead: number;
  readonly rowsWritten: number;
  readonly rowsDeleted: number;
  readonly rowsQuarantined: number;
  /** Rows in quarantine when the run took the lease. */
  readonly quarantined?: number;
  /** Requests to the Web API that went on record with the pages. */
  readonly requests: number;
}

export const NO_PROGRESS: RunProgress = {
  phase: 'new',
  pages: 0,
  rowsRead: 0,
  rowsWritten: 0,
  rowsDeleted: 0,
  rowsQuarantined: 0,
  requests: 0,
};

/** The progress after a page is stored. */
export function withPage(
  progress: RunProgress,
  page: Pick<PlainPage, 'rows' | 'tombstones'>,
  result: StoredPage,
  requests: number,
): RunProgress {
  return {
    ...progress,
    pages: progress.pages + 1,
    rowsRead: progress.rowsRead + page.rows + page.tombstones.length,
    rowsWritten: progress.rowsWritten + result.written,
    rowsDeleted: progress.rowsDeleted + result.deleted,
    rowsQuarantined: progress.rowsQuarantined + result.quarantined,
    requests: progress.requests + requests,
  };
}

/** The progress after a poll that found nothing. A table with rows in quarantine is never polled. */
export function withIdlePoll(progress: RunProgress, requests: number): RunProgress {
  return {
    ...progress,
    phase: 'delta',
    pages: progress.pages + 1,
    quarantined: 0,
    requests: progress.requests + requests,
  };
}

/**
 * Whether a run has found that the table changes. In a delta every entry says so, even an entry that could
 * not be stored or was there already. A load brings all rows, so only rows that it had to write say so.
 */
export function hasFoundChanges(progress: RunProgress): boolean {
  const { phase, rowsRead, rowsWritten, rowsDeleted } = progress;
  return rowsWritten + rowsDeleted > 0 || (phase === 'delta' && rowsRead > 0);
}
