import { versionReached, wentBack } from '../../dataverse/feed/links.ts';
import { Failure } from '../../model/failure.ts';
import type { Link } from '../../model/page.ts';

/**
 * Whether a link led to a link that stands further back.
 *
 * An environment that was restored, copied over or reset goes on from an earlier row version. An older
 * delta link is then ahead of the environment, and brings nothing until the environment has passed it. The
 * changes meanwhile would be missed in silence. The links show it, where their versions can be read.
 */
export function leadsBack(followed: Link | null, received: Link): boolean {
  return followed !== null && wentBack(followed, received);
}

/**
 * Whether a load that begins with this link belongs to an environment that has gone back in time: behind
 * the link that was followed before, or behind rows that are in the mirror already.
 *
 * @param before null where no link was followed before.
 * @param highest the highest row version in the mirror table; null where there is none.
 */
export function beginsBehind(first: Link, before: Link | null, highest: bigint | null): boolean {
  const reached = versionReached(first);
  if (reached === undefined) return false;
  return leadsBack(before, first) || (highest !== null && highest > reached);
}

/** The environment has gone back in time, so the run reads all rows of the table again. */
export function environmentRewound(): Failure {
  return new Failure({
    code: 'environment-rewound',
    reaction: 'rebaseline',
    message: 'The environment has gone back in time: it was restored, copied over or reset.',
  });
}
