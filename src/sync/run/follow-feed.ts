import type { Logger } from 'pino';
import type { ChangeFeed } from '../../dataverse/feed/change-feed.ts';
import type { PageWriter, RefusedSweep } from '../../mirror/page/page-writer.ts';
import { isLoading, type Checkpoint } from '../../model/checkpoint.ts';
import { Failure } from '../../model/failure.ts';
import type { Link, Page } from '../../model/page.ts';
import { startAhead, type Ahead } from './ahead.ts';
import { settleContradictions } from './contradictions.ts';
import { FeedGuard } from './feed-guard.ts';
import type { PassProgress } from './pass-progress.ts';
import { examineRefusedSweep, type LoadedIn } from './refused-sweep.ts';
import { beginsBehind, environmentRewound, leadsBack } from './rewind.ts';
import { storePage, type StoreParts } from './store-page.ts';

export interface FollowOptions extends StoreParts {
  readonly feed: ChangeFeed;
  /** After each stored page. */
  readonly onPage?: (progress: PassProgress) => void;
  /** Told where the feed stands once the table is up to date. */
  readonly onUpToDate?: (at: Checkpoint) => void;
  /** The environment was found to have gone back in time; what it throws ends the pass. */
  readonly onRewound?: (signal: AbortSignal) => Promise<void>;
  /** Asked when a load turns out to be due: whether it may begin. Without it it may. */
  readonly mayLoad?: () => boolean;
  readonly logger: Logger;
}

/** The feed can be followed no further: the table is to be loaded anew. */
export interface BrokenOff {
  readonly at: Checkpoint;
  /** Of class `rebaseline`. */
  readonly failure: Failure;
}

/**
 * Follows the feed from `start`, page by page, until a delta that began here has ended.
 *
 * A load is always followed by its first delta, for rows that changed while it paged. A delta whose
 * pages an earlier process began has an upper bound from then, so another delta follows it.
 *
 * @param linkBefore the link that was stored before, where `start` begins a load in its place.
 * @returns `no place` when it takes a load that may not begin now.
 * @throws Failure of any other class than `rebaseline`; what was stored before it stays.
 */
export async function followFeed(
  options: FollowOptions,
  start: Checkpoint,
  linkBefore: Link | null,
  signal: AbortSignal,
): Promise<'up to date' | 'no place' | BrokenOff> {
  const { feed, writer, progress, logger } = options;
  const guard = new FeedGuard();
  let from = start;
  let upperBoundIsOld = from.link?.kind === 'next';
  let loadedIn: LoadedIn = 'an earlier pass';
  let ahead = fetchAhead(feed, from, signal);
  try {
    for (;;) {
      const page = await receive(ahead, from, (same) => (ahead = fetchAhead(feed, same, signal)));
      if (page instanceof Failure) return { at: from, failure: page };
      if (await isRewoundLoad(from, page, linkBefore, writer)) {
        await options.onRewound?.(signal);
        from = { ...from, rewound: true };
        const { code, message } = environmentRewound();
        logger.warn({ code }, message);
      }
      const loading = isLoading(from);
      if (loading) loadedIn = 'this pass';
      const step = guard.after(from, page.link);
      if (step.repeats) tellRepetition(step.checkpoint, logger);
      const deltaEnds = page.link.kind === 'delta' && !loading && !step.repeats;
      const finished = deltaEnds && !upperBoundIsOld;
      const mayGoOn = loading || !isLoading(step.checkpoint) || options.mayLoad?.() !== false;
      if (!finished && mayGoOn) ahead = fetchAhead(feed, step.checkpoint, signal);
      const { repeats } = step;
      const pageStep = { from, advance: step, begins: from.link === null, finished, repeats };
      const result = await settleContradictions(page, feed, writer, signal)
        .then(async (settled) => storePage(options, page, settled, pageStep, signal))
        .finally(page.release);
      options.onPage?.(progress);
      const { refusedSweep } = result;
      if (finished && refusedSweep !== null) {
        return await breakOff(refusedSweep, loadedIn, options, signal);
      }
      if (finished) {
        options.onUpToDate?.(step.checkpoint);
        return 'up to date';
      }
      if (!mayGoOn) return 'no place';
      if (deltaEnds || repeats) upperBoundIsOld = false;
      from = refusedSweep?.checkpoint ?? step.checkpoint;
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

/**
 * The page after `from`, or why the link that leads to it is of no use.
 *
 * @param ask for it once more where its link stands further back than the one that led to it. One
 *   such answer may be of a server that lags behind the others, and what follows from it is a load that
 *   replaces newer rows by older ones; that the environment went back is what two in a row say.
 * @throws any other failure.
 */
async function receive(
  ahead: Ahead<Page>,
  from: Checkpoint,
  ask: (from: Checkpoint) => Ahead<Page>,
): Promise<Page | Failure> {
  try {
    const page = await ahead.result;
    if (!leadsBack(from.link, page.link)) return page;
    ahead.cancel();
    const again = await ask(from).result;
    return leadsBack(from.link, again.link) ? environmentRewound() : again;
  } catch (error) {
    if (error instanceof Failure && error.reaction === 'rebaseline') return error;
    throw error;
  }
}

/** Whether a re-baseline begins with a page that shows the environment to have gone back in time. */
async function isRewoundLoad(
  from: Checkpoint,
  page: Page,
  linkBefore: Link | null,
  writer: PageWriter,
): Promise<boolean> {
  if (from.phase !== 'rebaseline' || from.link !== null || from.rewound) return false;
  return beginsBehind(page.link, linkBefore, async () => writer.highestVersion());
}

function tellRepetition(next: Checkpoint, logger: Logger): void {
  const what = isLoading(next) ? 'the table is loaded' : 'the delta is read';
  logger.info(`The link of these pages stands for the last of them; ${what} once more.`);
}

/** What becomes of a sweep that was refused. @throws Failure unless the load was incomplete. */
async function breakOff(
  refused: RefusedSweep,
  loadedIn: LoadedIn,
  { feed, writer }: FollowOptions,
  signal: AbortSignal,
): Promise<BrokenOff> {
  const failure = await examineRefusedSweep(refused, loadedIn, feed, writer, signal);
  if (failure.reaction !== 'rebaseline') throw failure;
  return { at: refused.checkpoint, failure };
}
