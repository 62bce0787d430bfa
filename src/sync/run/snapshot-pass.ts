import type { Logger } from 'pino';
import type { FullRead } from '../../dataverse/feed/full-read.ts';
import { FollowedLinks } from '../../dataverse/feed/endless-paging.ts';
import { beginning, type Advance, type Checkpoint } from '../../model/checkpoint.ts';
import { Failure, failureFields } from '../../model/failure.ts';
import type { Link, PlainPage } from '../../model/page.ts';
import { startAhead, type Ahead } from './ahead.ts';
import type { PassProgress } from './pass-progress.ts';
import { examineRefusedSweep } from './refused-sweep.ts';
import { storePage, type StoreParts } from './store-page.ts';

export interface SnapshotOptions extends StoreParts {
  readonly read: FullRead;
  /** From `snapshotStart`. */
  readonly start: Checkpoint;
  /** After each stored page. */
  readonly onPage?: (progress: PassProgress) => void;
  readonly logger: Logger;
}

/** Times a read begins over in one run because a link of it was refused. */
const MAX_RESTARTS = 2;

/**
 * Where every run of a snapshot begins: from scratch. One that was interrupted is not gone on with, for
 * the rows it has read may have changed, and nothing would tell. What it
 * reads replaces what was there, be it of an older version: nothing in a full read would tell that the
 * environment went back in time.
 */
export function snapshotStart(selection: string, hasRows: boolean): Checkpoint {
  return beginning(hasRows ? 'rebaseline' : 'baseline', selection, true);
}

/**
 * Brings a table that cannot be tracked up to date: reads all of it, writes the rows that differ, and
 * with the last page deletes those that did not come, in that page's transaction.
 *
 * Rows that change while it pages may be had as they were before or after; the next run has them.
 *
 * @throws Failure; what was stored before it stays, and the next run begins anew.
 */
export async function runSnapshot(options: SnapshotOptions, signal: AbortSignal): Promise<void> {
  const { progress, logger } = options;
  let { start } = options;
  for (let restarts = 0; ; restarts++) {
    progress.phase = start.phase;
    try {
      await readOnce(options, start, signal);
      return;
    } catch (error) {
      if (!(error instanceof Failure) || error.reaction !== 'rebaseline') throw error;
      if (restarts === MAX_RESTARTS) throw linksRefused(error);
      logger.warn(failureFields(error), 'A link of the full read is refused; it begins anew.');
      start = beginning('rebaseline', start.selection ?? '', true);
    }
  }
}

async function readOnce(options: SnapshotOptions, start: Checkpoint, signal: AbortSignal): Promise<void> {
  const { read, writer, progress, onPage } = options;
  const followed = new FollowedLinks();
  const fetchAhead = (link: Link | null): Ahead<PlainPage> =>
    startAhead(async (either) => (link === null ? read.begin(either) : read.follow(link, either)), signal);
  let ahead = fetchAhead(null);
  try {
    for (let begins = true; ; begins = false) {
      const page = await ahead.result;
      const finished = page.link === null;
      if (page.link !== null) {
        followed.add(page.link.url);
        ahead = fetchAhead(page.link);
      }
      const step = { from: start, advance: advance(start, finished), begins, finished, loadsEachTime: true };
      const result = await storePage(options, page, page, step, signal).finally(page.release);
      onPage?.(progress);
      const { refusedSweep } = result;
      if (refusedSweep !== null) {
        throw await examineRefusedSweep(refusedSweep, 'this pass', read, writer, signal);
      }
      if (finished) return;
    }
  } finally {
    ahead.cancel();
  }
}

/**
 * No link is ever stored: it is one of a plain read, of no use to a change feed. Until the snapshot is
 * complete no selection is either, so that a change of `mode` means a re-baseline, with its sweep.
 */
function advance(start: Checkpoint, finished: boolean): Advance {
  return finished
    ? { checkpoint: { ...start, phase: 'delta', rewound: false }, sweep: start.phase === 'rebaseline' }
    : { checkpoint: { ...start, selection: null }, sweep: false };
}

function linksRefused(cause: Failure): Failure {
  return new Failure({
    code: 'link-keeps-expiring',
    message: 'The environment refused link after link of a full read.',
    remedy: 'Nothing to do if its tables are being changed just now; otherwise check the environment.',
    cause,
    details: cause.details,
  });
}
