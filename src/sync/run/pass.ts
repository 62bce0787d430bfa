import { beginning, type Checkpoint } from '../../model/checkpoint.ts';
import { Failure, failureFields } from '../../model/failure.ts';
import type { Link } from '../../model/page.ts';
import { followFeed, type FollowOptions } from './follow-feed.ts';

export interface PassOptions extends FollowOptions {
  readonly start: Checkpoint;
  /** The link that was stored before, where `start` begins a load in its place. */
  readonly linkBefore?: Link | null;
}

/** Re-baselines in one pass: a link that expires while it is followed may mean a second, never a third. */
const MAX_REBASELINES = 2;

/**
 * Brings one table up to date: follows its feed from `start`, and where a link turns out to be of no
 * use, re-baselines the table.
 *
 * @returns false when it takes a load that may not begin now.
 * @throws Failure; what was stored before it stays, and the next pass goes on from there.
 */
export async function runPass(options: PassOptions, signal: AbortSignal): Promise<boolean> {
  const { writer, progress, logger } = options;
  let { start, linkBefore = null } = options;
  for (let rebaselines = 0; ; rebaselines++) {
    const end = await followFeed(options, start, linkBefore, signal);
    if (end === 'up to date') return true;
    if (end === 'no place') return false;
    const { at, failure } = end;
    const rewound = failure.code === 'environment-rewound';
    linkBefore = at.link;
    start = beginning('rebaseline', at.selection ?? '', at.rewound || rewound);
    if (rewound) {
      // The next answer may look like any other: what this one told is not to be lost with the process.
      await writer.rewind(start, signal);
      await options.onRewound?.(signal);
    }
    if (options.mayLoad?.() === false) return false;
    if (rebaselines === MAX_REBASELINES) throw linkKeepsExpiring(failure);
    logger.warn(failureFields(failure), `${failure.message} The table is re-baselined.`);
    progress.phase = start.phase;
  }
}

function linkKeepsExpiring(cause: Failure): Failure {
  return new Failure({
    code: 'link-keeps-expiring',
    message: 'One new baseline after another came to nothing.',
    cause,
    details: cause.details,
  });
}
