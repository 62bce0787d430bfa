import type { Logger } from 'pino';
import type { ChangeFeed } from '../dataverse/change-feed.ts';
import { linkLoop } from '../dataverse/link-loop.ts';
import type { PageWriter } from '../mirror/page-writer.ts';
import { beginning, isLoading, type Checkpoint } from '../model/checkpoint.ts';
import { Failure } from '../model/failure.ts';
import type { Page } from '../model/page.ts';
import { startAhead, type Ahead } from './ahead.ts';
import { LoadGuard } from './load-guard.ts';
import { settleContradictions } from './contradictions.ts';

/** What a pass has done so far. */
export interface PassProgress {
  /** The phase it began in, or was thrown back to. */
  phase: Checkpoint['phase'];
  pages: number;
  rowsRead: number;
  rowsWritten: number;
  rowsDeleted: number;
  rowsQuarantined: number;
}

export interface PassOptions {
  readonly feed: ChangeFeed;
  readonly writer: PageWriter;
  readonly start: Checkpoint;
  readonly progress: PassProgress;
  /** After each stored page. */
  readonly onPage?: (progress: PassProgress) => void;
  /** Asked when the link turns out to be of no use: whether a load may begin. Without it it may. */
  readonly mayLoad?: () => boolean;
  readonly logger: Logger;
}

/** Re-baselines in one pass: a link that expires while it is followed may mean a second, never a third. */
const MAX_REBASELINES = 2;

/**
 * Brings one table up to date: follows the feed from `start`, page by page, until a delta that began
 * in this pass has ended.
 *
 * A load is always followed by its first delta, for rows that changed while it paged. A delta whose
 * pages an earlier process began has an upper bound from then, so another delta follows it.
 *
 * @returns false when it takes a load that may not begin now.
 * @throws Failure; what was stored before it stays, and the next pass goes on from there.
 */
export async function runPass(options: PassOptions, signal: AbortSignal): Promise<boolean> {
  const { feed, writer, progress, logger } = options;
  let from = options.start;
  let upperBoundIsOld = from.link?.kind === 'next';
  let rebaselines = 0;
  const followed = new Set<string>();
  const guard = new LoadGuard();
  let ahead = fetchAhead(feed, from, signal);
  try {
    for (;;) {
      let page: Page;
      try {
        page = await ahead.result;
      } catch (error) {
        if (!(error instanceof Failure) || error.reaction !== 'rebaseline') throw error;
        if (options.mayLoad?.() === false) return false;
        if (++rebaselines > MAX_REBASELINES) throw linkKeepsExpiring(error);
        logger.warn({ ...error.details, code: error.code }, `${error.message} The table is re-baselined.`);
        followed.clear();
        guard.forget();
        from = beginning('rebaseline', from.selection ?? '');
        progress.phase = from.phase;
        upperBoundIsOld = false;
        ahead = fetchAhead(feed, from, signal);
        continue;
      }
      const step = guard.after(from, page.link);
      if (page.link.kind === 'next' && followed.has(page.link.url)) throw linkLoop();
      followed.add(page.link.url);
      if (step.repeats) {
        logger.info('The link of this load stands for its last page; the load is repeated under it.');
        followed.clear();
      }
      const deltaEnds = page.link.kind === 'delta' && !isLoading(from);
      const finished = deltaEnds && !upperBoundIsOld;
      if (!finished) ahead = fetchAhead(feed, step.checkpoint, signal);
      const settled = await settleContradictions(page, feed, writer, signal);
      const result = await writer.write(
        settled,
        { from, advance: step, begins: from.link === null, finished },
        signal,
      );
      progress.pages++;
      progress.rowsRead += page.rows + page.tombstones.length;
      progress.rowsWritten += result.written;
      progress.rowsDeleted += result.deleted;
      progress.rowsQuarantined += result.quarantined;
      options.onPage?.(progress);
      if (finished) return true;
      if (deltaEnds) upperBoundIsOld = false;
      from = step.checkpoint;
    }
  } finally {
    ahead.cancel();
  }
}

/** The page after `from`. */
function fetchAhead(feed: ChangeFeed, from: Checkpoint, signal: AbortSignal): Ahead<Page> {
  const { link } = from;
  if (link === null) return startAhead(async (either) => feed.begin(either), signal);
  const priority = isLoading(from) ? 'baseline' : 'delta';
  return startAhead(async (either) => feed.follow(link, priority, either), signal);
}

function linkKeepsExpiring(cause: Failure): Failure {
  return new Failure({
    code: 'link-keeps-expiring',
    reaction: 'retry',
    message: 'The environment refused link after link of a new baseline as expired.',
    remedy:
      'Check the environment: expirechangetrackingindays may be 0, or its tables may be changing just now.',
    cause,
    details: cause.details,
  });
}
