import type { Link } from '../../model/page.ts';

const DAY = 86_400_000;
/** Days that deletions are kept where the organization does not tell ("Change tracking", default). */
const USUAL_LIFE = 7;

/**
 * Whether pages that another process began to follow so long ago are of no use. Their links go on, since
 * only the age of a delta link is looked at; but deletions from before are forgotten by now, and the delta
 * link at their end, which is issued today for the row version of then, would pass them over in silence.
 *
 * @param age milliseconds since the walk began.
 * @param lifeDays `expirechangetrackingindays`; null where it is not known.
 */
export function isOutdatedWalk(link: Link | null, age: number | null, lifeDays: number | null): boolean {
  return link?.kind === 'next' && age !== null && age > (lifeDays ?? USUAL_LIFE) * DAY;
}
