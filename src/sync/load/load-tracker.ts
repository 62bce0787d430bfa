import type { StoredLoad } from '../../mirror/lease/leases.ts';
import type { LoadPage } from '../../mirror/state/load-state.ts';
import type { PageStep } from '../../mirror/page/page-step.ts';
import { isLoading } from '../../model/checkpoint.ts';
import type { LoadFigures } from '../../model/load-progress.ts';
import type { PlainPage } from '../../model/page.ts';
import type { Fetch } from '../run/run-state.ts';
import type { ExpectedRows } from './expected-rows.ts';
import type { LoadWatch } from './load-watch.ts';
import { RateMark } from './rate-mark.ts';

/** Milliseconds that the first page of a load waits for the environment's count, while the next page comes. */
const PATIENCE = 1_000;

export interface LoadTrackerParts {
  readonly table: string;
  /** Asks for the rows that a load will bring; without it they are not known. */
  readonly expected: ExpectedRows | undefined;
  readonly watch: LoadWatch | undefined;
}

/** A load, as this run began it or went on with it. Times are milliseconds by `performance.now()`. */
interface Load {
  rowsLoaded: number;
  rowsExpected: number | null;
  readonly mark: RateMark;
  /** When the run stored the last page; undefined before its first page. */
  storedAt: number | undefined;
  isAskedFor: boolean;
}

/**
 * Counts how far the load of one run has come. It gives the figures to the transaction of each page, and tells them
 * to the watch.
 */
export class LoadTracker {
  private readonly parts: LoadTrackerParts;
  private onRecord: StoredLoad | null = null;
  private isCounted = true;
  private load: Load | undefined;

  constructor(parts: LoadTrackerParts) {
    this.parts = parts;
  }

  /** The run has taken the lease, and the state says so much of a load under way. */
  leaseTaken(onRecord: StoredLoad | null): void {
    this.onRecord = onRecord;
    this.load = undefined;
  }

  /**
   * The run is about to read.
   *
   * @param isCounted false for the read of a snapshot that was complete before: it reads all rows each time, and that
   *   is no load that anybody waits for.
   */
  prepared(isCounted: boolean): void {
    this.isCounted = isCounted;
  }

  /** The run fetches a page. */
  fetching({ link, loads }: Fetch): void {
    if (!loads || !this.isCounted) return;
    if (link === null) this.begin({ rowsLoaded: 0, rowsExpected: null });
    // An earlier version of mirrorverse may have begun the load without counting.
    else if (this.load === undefined && this.onRecord !== null) this.begin(this.onRecord);
  }

  /**
   * The page as the figures count it; undefined for a page of a delta, and if nothing is counted. With the first page
   * that is not the last one it asks for the count of the environment: a table of one page needs none.
   */
  async storing(page: PlainPage, step: PageStep, signal: AbortSignal): Promise<LoadPage | undefined> {
    const { load } = this;
    if (load === undefined || !isLoading(step.from)) return undefined;
    if (load.rowsExpected === null && !load.isAskedFor && page.link?.kind === 'next') {
      load.isAskedFor = true;
      await this.ask(load, signal);
    }
    const now = performance.now();
    const { mark, rowsLoaded } = load;
    const hasMoved = mark.reached(rowsLoaded, now);
    return {
      rows: page.rows,
      begins: step.begins,
      expected: load.rowsExpected,
      mark:
        hasMoved || load.storedAt === undefined
          ? { milliseconds: now - mark.at, rows: rowsLoaded - mark.rows }
          : null,
    };
  }

  /** A page is stored. */
  stored(page: LoadPage | undefined): void {
    const { load } = this;
    if (load === undefined || page === undefined) return;
    load.rowsLoaded += page.rows;
    load.storedAt = performance.now();
    this.tell(load);
  }

  private begin({ rowsLoaded, rowsExpected }: StoredLoad): void {
    const load: Load = {
      rowsLoaded,
      rowsExpected,
      mark: new RateMark(rowsLoaded, performance.now()),
      storedAt: undefined,
      isAskedFor: false,
    };
    this.load = load;
    this.tell(load);
  }

  private async ask(load: Load, signal: AbortSignal): Promise<void> {
    const { expected, table } = this.parts;
    if (expected === undefined) return;
    const answered = expected.of(table, signal).then((rows) => (load.rowsExpected ??= rows));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, PATIENCE)));
    await Promise.race([answered, late]);
    clearTimeout(timer);
  }

  private tell(load: Load): void {
    this.parts.watch?.loading(this.parts.table, () => figuresOf(load));
  }
}

function figuresOf({ rowsLoaded, rowsExpected, mark, storedAt }: Load): LoadFigures {
  const now = performance.now();
  return {
    rowsLoaded,
    rowsExpected: rowsExpected === null ? null : Math.max(rowsExpected, rowsLoaded),
    rowsBefore: mark.rows,
    seconds: (now - mark.at) / 1000,
    quietSeconds: storedAt === undefined ? null : (now - storedAt) / 1000,
    isAtWork: true,
  };
}
