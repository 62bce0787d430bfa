import type { PageSource } from '../../dataverse/feed/change-feed.ts';
import { FollowedLinks } from '../../dataverse/feed/endless-paging.ts';
import type { RequestCounts } from '../../dataverse/http/request-counts.ts';
import type { PageResult, PageStep, StoredPage } from '../../mirror/page/page-step.ts';
import type { PageWriter } from '../../mirror/page/page-writer.ts';
import type { PlainPage } from '../../model/page.ts';
import type { LoadTracker } from '../load/load-tracker.ts';
import type { RunTrace } from '../watch/run-trace.ts';
import { hasFoundChanges, withPage, type RunProgress } from './run-progress.ts';
import type { Fetch } from './run-state.ts';
import { verifyDeletes } from './verify-deletes.ts';

export interface PagingParts {
  readonly table: string;
  readonly source: PageSource;
  readonly writer: PageWriter;
  readonly requestCounts: RequestCounts;
  /** Whether a load may go on now. */
  readonly mayLoad: () => boolean;
  /** Counts how far a load has come. */
  readonly load: LoadTracker;
  readonly trace?: RunTrace | undefined;
}

/** Fetches the pages of one table and stores them. It fetches one page ahead of the page that it stores. */
export class Paging {
  private readonly parts: PagingParts;
  private followed = new FollowedLinks();
  private page: PlainPage | undefined;
  private ahead: Prefetch | undefined;

  /** @param ahead a page that was fetched before. */
  constructor(parts: PagingParts, ahead?: Prefetch) {
    this.parts = parts;
    this.ahead = ahead;
  }

  /**
   * Fetches a page, or takes the page that was fetched ahead.
   *
   * @returns undefined where the page belongs to a load, and no load may go on now.
   * @throws Failure
   */
  async receive(fetch: Fetch, signal: AbortSignal): Promise<PlainPage | undefined> {
    this.dropPage();
    if (fetch.loads && !this.parts.mayLoad()) return undefined;
    // A chain of next links begins here. Only within one chain does a link that comes again mean a loop.
    if (fetch.link?.kind !== 'next') this.followed = new FollowedLinks();
    if (this.ahead?.url !== (fetch.link?.url ?? null)) this.fetchAhead(fetch, signal);
    const { ahead } = this;
    this.ahead = undefined;
    this.page = await ahead?.page;
    return this.page;
  }

  /**
   * Stores the page that was fetched last, while the next one comes.
   *
   * @returns what became of the page, and the progress after it.
   * @throws Failure as the writer does, or `link-loop`. The requests since the last stored page then go on
   *   record with a later page. If only the answer to a COMMIT was lost, they go on record twice.
   */
  async store(
    step: PageStep,
    ahead: Fetch | undefined,
    progress: RunProgress,
    signal: AbortSignal,
  ): Promise<{ readonly result: PageResult; readonly progress: RunProgress }> {
    const { page } = this;
    const { table, source, writer, requestCounts, load, trace } = this.parts;
    if (page === undefined) throw new TypeError('There is no page to store.');
    try {
      if (page.link?.kind === 'next') this.followed.add(page.link.url);
      if (ahead !== undefined && (!ahead.loads || this.parts.mayLoad())) this.fetchAhead(ahead, signal);
      const verified = await verifyDeletes(page, source, writer, signal);
      const counted = await load.storing(page, step, signal);
      const sent = requestCounts.of(table);
      const requests = (result: StoredPage): { requests: number; idleRequests: number } => {
        const after = withPage(progress, page, result, sent);
        // Earlier pages of the run may have brought nothing as well: the whole run is idle, or is not.
        const isIdle = step.finished && result.refusedSweep === null && !hasFoundChanges(after);
        return { requests: sent, idleRequests: isIdle ? after.requests : 0 };
      };
      const figures = counted === undefined ? {} : { load: counted };
      const write = async () => writer.write(verified, { ...step, ...figures, requests }, signal);
      const rows = rowsOf(page);
      const result = await (trace === undefined
        ? write()
        : trace.step('page.store', signal, write, () => rows));
      requestCounts.recorded(table, sent);
      load.stored(counted);
      return { result, progress: withPage(progress, page, result, sent) };
    } finally {
      this.dropPage();
    }
  }

  /** Gives back the memory of every page that is not stored. */
  close(): void {
    this.dropPage();
    this.ahead?.cancel();
    this.ahead = undefined;
  }

  private fetchAhead({ link, loads }: Fetch, signal: AbortSignal): void {
    const { source, trace } = this.parts;
    const read = async (either: AbortSignal): Promise<PlainPage> =>
      link === null ? source.begin(either) : source.follow(link, loads ? 'baseline' : 'delta', either);
    this.ahead?.cancel();
    this.ahead = prefetch(link?.url ?? null, async (either) => fetchPage(trace, read, either), signal);
  }

  private dropPage(): void {
    this.page?.release?.();
    this.page = undefined;
  }
}

/** Reads a page, in a span of its own if the run has one. */
export async function fetchPage(
  trace: RunTrace | undefined,
  read: (signal: AbortSignal) => Promise<PlainPage>,
  signal: AbortSignal,
): Promise<PlainPage> {
  if (trace === undefined) return read(signal);
  return trace.step('page.fetch', signal, async () => read(signal), rowsOf);
}

/** Rows and tombstones of a page. */
function rowsOf({ rows, tombstones }: PlainPage): number {
  return rows + tombstones.length;
}

/** A page that is fetched before the run asks for it. */
export interface Prefetch {
  /** The link that it is fetched by; null for the first page of a load. */
  readonly url: string | null;
  readonly page: Promise<PlainPage>;
  /** Stops the request. If the page has come already, its memory is given back. */
  cancel(): void;
}

/** Starts to fetch a page, so that it comes while the page before it is stored. */
export function prefetch(
  url: string | null,
  read: (signal: AbortSignal) => Promise<PlainPage>,
  signal: AbortSignal,
): Prefetch {
  const controller = new AbortController();
  const stop = (): void => controller.abort(new Error('The page is no longer needed.'));
  return underWay(url, read(AbortSignal.any([signal, controller.signal])), stop);
}

/** A page that is being fetched already. */
export function underWay(url: string | null, page: Promise<PlainPage>, stop?: () => void): Prefetch {
  // The run awaits the page later, or never when storing fails first. Until then a rejection is handled here.
  page.catch(() => undefined);
  return {
    url,
    page,
    cancel() {
      stop?.();
      page.then(
        ({ release }) => release?.(),
        () => undefined,
      );
    },
  };
}
