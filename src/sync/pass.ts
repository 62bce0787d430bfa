import type { Logger } from 'pino';
import type { ChangeFeed } from '../dataverse/change-feed.ts';
import { linkLoop } from '../dataverse/link-loop.ts';
import type { PageResult, PageWriter } from '../mirror/page-writer.ts';
import { beginning, isLoading, type Checkpoint } from '../model/checkpoint.ts';
import { Failure } from '../model/failure.ts';
import type { Link, Page, PageRows, RowId } from '../model/page.ts';
import { startAhead, type Ahead } from './ahead.ts';
import { settleContradictions } from './contradictions.ts';
import { DeltaGuard } from './delta-guard.ts';
import { LoadGuard } from './load-guard.ts';
import { examineRefusedSweep, type LoadedIn } from './refused-sweep.ts';
import { beginsBehind, environmentRewound, refuseRewound } from './rewind.ts';

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
  /** The link that was stored before, where `start` begins a load in its place. */
  readonly linkBefore?: Link | null;
  readonly progress: PassProgress;
  /** After each stored page. */
  readonly onPage?: (progress: PassProgress) => void;
  /** The environment was found to have gone back in time; what it throws ends the pass. */
  readonly onRewound?: (signal: AbortSignal) => Promise<void>;
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
  let loadedIn: LoadedIn = 'an earlier pass';
  let rebaselines = 0;
  const followed = new Set<string>();
  const loads = new LoadGuard();
  const deltas = new DeltaGuard();
  let linkBefore = options.linkBefore ?? null;
  let ahead = fetchAhead(feed, from, signal);
  try {
    for (;;) {
      let page: Page;
      try {
        page = await ahead.result;
        refuseRewound(from.link, page.link);
      } catch (error) {
        if (!(error instanceof Failure) || error.reaction !== 'rebaseline') throw error;
        const rewound = error.code === 'environment-rewound';
        const next = beginning('rebaseline', from.selection ?? '', from.rewound || rewound);
        if (rewound) {
          ahead.cancel();
          // The next answer may look like any other: what this one told is not to be lost with the process.
          await writer.rewind(next, signal);
          await options.onRewound?.(signal);
        }
        if (options.mayLoad?.() === false) return false;
        if (++rebaselines > MAX_REBASELINES) throw linkKeepsExpiring(error);
        logger.warn({ ...error.details, code: error.code }, `${error.message} The table is re-baselined.`);
        followed.clear();
        loads.forget();
        deltas.forget();
        linkBefore = from.link;
        from = next;
        progress.phase = from.phase;
        upperBoundIsOld = false;
        ahead = fetchAhead(feed, from, signal);
        continue;
      }
      if (await isRewoundLoad(from, page, linkBefore, writer)) {
        await options.onRewound?.(signal);
        from = { ...from, rewound: true };
        const { code, message } = environmentRewound();
        logger.warn({ code }, message);
      }
      if (isLoading(from)) loadedIn = 'this pass';
      const step = isLoading(from) ? loads.after(from, page.link) : deltas.after(from, page.link);
      if (page.link.kind === 'next' && followed.has(page.link.url)) throw linkLoop();
      followed.add(page.link.url);
      if (step.repeats) {
        const what = isLoading(step.checkpoint) ? 'the table is loaded' : 'the delta is read';
        logger.info(`The link of these pages stands for the last of them; ${what} once more.`);
        followed.clear();
      }
      const deltaEnds = page.link.kind === 'delta' && !isLoading(from) && !step.repeats;
      const finished = deltaEnds && !upperBoundIsOld;
      const mayGoOn = isLoading(from) || !isLoading(step.checkpoint) || options.mayLoad?.() !== false;
      if (!finished && mayGoOn) ahead = fetchAhead(feed, step.checkpoint, signal);
      const stored = async (): Promise<PageResult> => {
        const settled = await settleContradictions(page, feed, writer, signal);
        return writer.write(
          settled,
          { from, advance: step, begins: from.link === null, finished, repeats: step.repeats },
          signal,
        );
      };
      const result = await stored().finally(page.release);
      progress.pages++;
      progress.rowsRead += page.rows + page.tombstones.length;
      progress.rowsWritten += result.written;
      progress.rowsDeleted += result.deleted;
      progress.rowsQuarantined += result.quarantined;
      options.onPage?.(progress);
      const { refusedSweep } = result;
      if (finished && refusedSweep !== null) {
        const readRow = async (id: RowId): Promise<PageRows | null> => feed.readRow(id, signal);
        const failure = await examineRefusedSweep(refusedSweep, loadedIn, readRow, signal);
        if (failure.code === 'load-incomplete') await writer.forgetLoad(signal);
        if (failure.reaction !== 'rebaseline') throw failure;
        // As if its link had been refused.
        ahead = startAhead(async () => Promise.reject(failure), signal);
      } else if (finished) return true;
      if (!mayGoOn) return false;
      if (deltaEnds || step.repeats) upperBoundIsOld = false;
      from = refusedSweep?.checkpoint ?? step.checkpoint;
    }
  } finally {
    ahead.cancel();
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
  return beginsBehind(page.link, [linkBefore], async () => writer.highestVersion());
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
