import { isUnknownForm } from '../../dataverse/feed/rows-by-key.ts';
import { isWindowed, type VersionWindow } from '../../dataverse/feed/comparison-read.ts';
import { rowVersion } from '../../mirror/page/row-key.ts';
import type { MirrorTable } from '../../mirror/table/mirror-table.ts';
import { Failure } from '../../model/failure.ts';
import type { PageRows } from '../../model/page.ts';

/** Rows of a window at most. A window that is read again after a trouble costs 200 pages. */
const WINDOW_ROWS = 1_000_000;

/**
 * Which tables the environment answers by windows of row versions. Dataverse documents neither an index on the version
 * nor how such a filter performs. So the first page of a window is the probe: if the environment refuses it, ignores its
 * filter or takes too long for it, this process reads the table by its key alone from then on.
 */
export class VersionWindows {
  /** Rows of a window, about. */
  readonly rows: number;
  private readonly without = new Set<string>();

  constructor(rows = WINDOW_ROWS) {
    this.rows = rows;
  }

  allows(table: string): boolean {
    return !this.without.has(table);
  }

  refuse(table: string): void {
    this.without.add(table);
  }
}

/** Whether a page of a window failed because of the window, so that the table is read without windows. */
export function isWindowRefused(error: unknown): error is Failure {
  if (!(error instanceof Failure)) return false;
  return error.code === 'page-timed-out' || error.code === 'link-expired' || isUnknownForm(error);
}

/** Whether every row of a page has a version of the window. An environment that ignores the filter gives others. */
export function isInWindow(mirror: MirrorTable, page: PageRows, window: VersionWindow): boolean {
  if (!isWindowed(window)) return true;
  const { above, upTo } = window;
  for (let row = 0; row < page.rows; row++) {
    const version = rowVersion(mirror, page, row);
    if (version === null) continue;
    if ((above !== null && version <= above) || (upTo !== null && version > upTo)) return false;
  }
  return true;
}
