import { Failure } from '../../model/failure.ts';
import type { Link, PlainPage, RowId } from '../../model/page.ts';
import { isWindowed, type ComparisonRead, type VersionWindow } from '../../dataverse/feed/comparison-read.ts';
import { isUnknownForm } from '../../dataverse/feed/rows-by-key.ts';
import type { MirrorTable } from '../../mirror/table/mirror-table.ts';
import type { Comparison } from '../../mirror/verify/comparison.ts';
import type { VerificationProgress } from '../../mirror/verify/verify-records.ts';
import { prefetch, type Prefetch } from '../run/paging.ts';
import type { CountedWork } from './counted-work.ts';
import type { RefreshRows } from './refresh.ts';
import { endOfWindow, readsValues } from './value-slices.ts';
import { isInWindow, isWindowRefused, type VersionWindows } from './version-windows.ts';

/** How the rows of the source are read: their keys and versions alone, or all of them. */
export interface Reading {
  readonly source: ComparisonRead;
  /** The mirror table with the columns that the source's rows are read with. */
  readonly readAs: MirrorTable;
}

export interface WalkParts {
  readonly table: string;
  readonly comparison: Comparison;
  readonly keys: Reading;
  readonly rows: Reading;
  readonly windows: VersionWindows;
  readonly counted: CountedWork;
  /** Refreshes rows of a page that differ only in columns whose values change without a new version. */
  readonly refresh?: RefreshRows | undefined;
  /** Told after each page. */
  readonly onProgress?: ((progress: VerificationProgress) => void) | undefined;
}

/** Where a page is found. */
interface Place {
  readonly window: VersionWindow;
  /** Whether the rows are read with all their values. */
  readonly isWhole: boolean;
  /** Null for the first page of the window. */
  readonly link: Link | null;
}

/**
 * Reads the rows of the source, window by window, page by page, and stores each page together with the place after it.
 * The next page comes while a page is stored; never more than one is ahead.
 */
export class SourceWalk {
  private readonly parts: WalkParts;
  private ahead: Ahead | undefined;

  constructor(parts: WalkParts) {
    this.parts = parts;
  }

  /**
   * @returns the progress after the last page; a failure after which the walk must begin anew: the environment does not
   *   answer windows of versions, or no longer knows the link of a page.
   * @throws Failure; what was stored stays.
   */
  async run(from: VerificationProgress, signal: AbortSignal): Promise<VerificationProgress | Failure> {
    try {
      let progress = from;
      for (;;) {
        signal.throwIfAborted();
        const next = await this.step(progress, signal);
        if (next instanceof Error) return next;
        // The page is released by now: the rows are read again, and need memory of their own.
        if (next.derived.length > 0) await this.parts.refresh?.(next.derived, signal);
        this.parts.onProgress?.(next.progress);
        if (next.isEnd) return next.progress;
        progress = next.progress;
      }
    } finally {
      this.ahead?.page.cancel();
    }
  }

  private async step(progress: VerificationProgress, signal: AbortSignal): Promise<Step | Failure> {
    const { comparison, windows, table } = this.parts;
    const { above, upTo, slice } = progress;
    const place = placeOf(progress);
    const { readAs } = this.reading(place);
    const received = await this.receive(place, signal).catch((error: unknown) =>
      this.afterFailure(place, error),
    );
    if (received instanceof Error) return received;
    const { page, requests } = received;
    try {
      const isLastPage = page.link === null;
      const isEnd = isLastPage && upTo === null;
      const after = {
        ...progress,
        link: page.link,
        above: isLastPage ? upTo : above,
        upTo:
          isLastPage && upTo !== null
            ? endOfWindow(upTo, await comparison.nextBound(upTo, windows.rows), slice)
            : upTo,
        rows: progress.rows + page.rows,
        requests: progress.requests + requests,
        slice:
          slice !== null && place.isWhole
            ? { ...slice, rows: slice.rows + page.rows, requests: slice.requests + requests }
            : slice,
        // A walk that has ended must not go on with its first page after a crash.
        stage: isEnd ? ('walked' as const) : progress.stage,
      };
      if (!isEnd) this.ahead = this.readAhead(placeOf(after), signal);
      if (!isInWindow(readAs, page, place.window)) {
        windows.refuse(table);
        return windowIgnored(table);
      }
      if (place.isWhole) return { ...(await comparison.addRows(page, after)), isEnd };
      return { progress: await comparison.addKeys(page, after), isEnd, derived: [] };
    } finally {
      page.release?.();
    }
  }

  private async receive(place: Place, signal: AbortSignal): Promise<Received> {
    const { page, taken } = this.ahead ?? this.readAhead(place, signal);
    this.ahead = undefined;
    return { page: await page.page, requests: taken.requests };
  }

  /** Begins to read a page, when the share of the budget allows it. */
  private readAhead(place: Place, signal: AbortSignal): Ahead {
    const { counted } = this.parts;
    const { source } = this.reading(place);
    const { window, link } = place;
    const taken = { requests: 0 };
    const read = async (either: AbortSignal): Promise<PlainPage> => {
      const { value, requests } = await counted.run(either, async () =>
        link === null ? source.begin(window, either) : source.follow(link, window, either),
      );
      taken.requests = requests;
      return value;
    };
    return { page: prefetch(link?.url ?? null, read, signal), taken };
  }

  private reading({ isWhole }: Place): Reading {
    return isWhole ? this.parts.rows : this.parts.keys;
  }

  /** @returns the failure if the walk must begin anew. @throws the error otherwise. */
  private afterFailure({ window, link }: Place, error: unknown): Failure {
    const { windows, table } = this.parts;
    if (isWindowed(window) && isWindowRefused(error)) {
      windows.refuse(table);
      return error;
    }
    // The environment does not say how long the links of plain reads live.
    if (link !== null && isLinkRefused(error)) return error;
    throw error;
  }
}

function placeOf({ method, slice, above, upTo, link }: VerificationProgress): Place {
  const window = { above, upTo };
  return { window, link, isWhole: readsValues({ method, slice }, window) };
}

function isLinkRefused(error: unknown): error is Failure {
  return isUnknownForm(error) || (error instanceof Failure && error.code === 'link-expired');
}

interface Step {
  readonly progress: VerificationProgress;
  readonly isEnd: boolean;
  /** See `Comparison.addRows`. */
  readonly derived: readonly RowId[];
}

interface Received {
  readonly page: PlainPage;
  readonly requests: number;
}

interface Ahead {
  readonly page: Prefetch;
  readonly taken: { requests: number };
}

function windowIgnored(table: string): Failure {
  return new Failure({
    code: 'filter-ignored',
    message: `A request for rows of table ${table} in a window of versions was answered with others.`,
    details: { table },
  });
}
