import { readableCount, readableNumber, readableSpan } from './readable-figures.ts';

/** What is known of a baseline or re-baseline that is under way. */
export interface LoadFigures {
  /** Rows that the load has stored since it began, over all processes. A row that the mirror had already counts too. */
  readonly rowsLoaded: number;
  /** Rows that the environment counted, or `rowsLoaded` if that is more; null if the environment did not count them. */
  readonly rowsExpected: number | null;
  /**
   * `rowsLoaded` when the process at work began the load or went on with it, and later a minute or two ago: a rate
   * from before the budget was spent says nothing.
   */
  readonly rowsBefore: number;
  /** Seconds since that time. */
  readonly seconds: number;
  /** Seconds since the last page was stored; null before the process at work has stored a page. */
  readonly quietSeconds: number | null;
  /** Whether a process is at work on the load, and the environment takes its requests. */
  readonly isAtWork: boolean;
}

/** How far a load has come. */
export interface LoadProgress {
  readonly rowsLoaded: number;
  readonly rowsExpected: number | null;
  /** Whole percent, from 0 to 99; null if the environment did not count the rows. */
  readonly percent: number | null;
  /** Null while it is too early to say, and when no page has come for a while. */
  readonly rowsPerSecond: number | null;
  /** Seconds until the load ends at this rate; null if that cannot be said. */
  readonly etaSeconds: number | null;
}

/** Seconds. A rate over less time says nothing: it once was 388,560,771 rows a second. */
const SHORTEST = 0.5;
/** Seconds without a page after which no rate holds any more. */
const LONGEST_QUIET = 60;

/**
 * How far a load has come. `status`, the progress bars, the log, the status page and the metrics all ask this
 * function, so they tell the same.
 *
 * The environment's count may be a day old, so a load may have stored more rows than were counted. Only its end
 * makes it 100 %.
 */
export function loadProgress(figures: LoadFigures): LoadProgress {
  const { rowsLoaded, rowsExpected } = figures;
  const rowsPerSecond = rateOf(figures);
  const left = rowsExpected === null ? 0 : rowsExpected - rowsLoaded;
  return {
    ...loadShare(figures),
    rowsPerSecond,
    etaSeconds: rowsPerSecond === null || left <= 0 ? null : Math.ceil(left / rowsPerSecond),
  };
}

/** The share of a load that is done. @returns `percent` as `LoadProgress` has it. */
export function loadShare({ rowsLoaded, rowsExpected }: Pick<LoadFigures, 'rowsLoaded' | 'rowsExpected'>) {
  const isCounted = rowsExpected !== null && rowsExpected > 0;
  const percent = isCounted ? Math.max(0, Math.min(99, Math.floor((100 * rowsLoaded) / rowsExpected))) : null;
  return { rowsLoaded, rowsExpected, percent };
}

/** Rows a second of the process at work. The time without a page counts, so the rate falls while requests wait. */
function rateOf(figures: LoadFigures): number | null {
  const { rowsLoaded, rowsBefore, seconds, quietSeconds, isAtWork } = figures;
  if (!isAtWork || quietSeconds === null || quietSeconds > LONGEST_QUIET) return null;
  const rows = rowsLoaded - rowsBefore;
  return rows <= 0 || seconds < SHORTEST ? null : rows / seconds;
}

/** `61 %, 12 min left`; without a count `610,000 rows so far`. */
export function progressText({
  percent,
  etaSeconds,
  rowsLoaded,
}: Omit<LoadProgress, 'rowsExpected' | 'rowsPerSecond'>): string {
  const far = percent === null ? `${readableCount(rowsLoaded, 'row')} so far` : `${percent} %`;
  return etaSeconds === null ? far : `${far}, ${readableSpan(etaSeconds)} left`;
}

/** `610,000 of 1,000,000 rows`. Without a count, or if the count is too low: `610,000 rows`. */
export function rowsText({
  rowsLoaded,
  rowsExpected,
}: Pick<LoadProgress, 'rowsLoaded' | 'rowsExpected'>): string {
  if (rowsExpected === null || rowsExpected <= rowsLoaded) return readableCount(rowsLoaded, 'row');
  return `${readableNumber(rowsLoaded)} of ${readableCount(rowsExpected, 'row')}`;
}

/** `61 % (610,000 of 1,000,000 rows), 12 min left`; without a count `610,000 rows so far`. */
export function loadText(progress: Omit<LoadProgress, 'rowsPerSecond'>): string {
  const { percent, etaSeconds } = progress;
  if (percent === null) return progressText(progress);
  const left = etaSeconds === null ? '' : `, ${readableSpan(etaSeconds)} left`;
  return `${percent} % (${rowsText(progress)})${left}`;
}
