import type { PageResult } from '../../mirror/page/page-writer.ts';
import type { Checkpoint } from '../../model/checkpoint.ts';
import type { PlainPage } from '../../model/page.ts';

/** What a pass has done so far. */
export interface PassProgress {
  /** The phase it began in, or was thrown back to. */
  phase: Checkpoint['phase'];
  pages: number;
  rowsRead: number;
  rowsWritten: number;
  rowsDeleted: number;
  rowsQuarantined: number;
  /** Rows in quarantine when the lease was taken. */
  quarantined?: number;
  /** Requests to the Web API that went on record with the pages. */
  requests: number;
}

/** Counts a page that is stored. */
export function countPage(
  progress: PassProgress,
  page: Pick<PlainPage, 'rows' | 'tombstones'>,
  result: PageResult,
): void {
  progress.pages++;
  progress.rowsRead += page.rows + page.tombstones.length;
  progress.rowsWritten += result.written;
  progress.rowsDeleted += result.deleted;
  progress.rowsQuarantined += result.quarantined;
}

/** Counts a poll that found nothing; tables with rows in quarantine are not polled. */
export function countIdlePoll(progress: PassProgress, requests: number): void {
  progress.phase = 'delta';
  progress.pages++;
  progress.quarantined = 0;
  progress.requests += requests;
}

/**
 * Whether a pass has found that the table changes. In a delta every entry says so, one that could not be
 * stored or was there already too; a load brings all rows, and what tells is whether any had to be written.
 */
export function hasFoundChanges(progress: PassProgress): boolean {
  const { phase, rowsRead, rowsWritten, rowsDeleted } = progress;
  return rowsWritten + rowsDeleted > 0 || (phase === 'delta' && rowsRead > 0);
}
