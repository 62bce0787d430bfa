import type { Failure } from '../../model/failure.ts';
import { backOff, type BackOff } from '../../timing/back-off.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** After trouble that passes by itself. */
const PASSING: BackOff = { first: SECOND, longest: 2 * MINUTE };
/** After trouble that somebody must mend. */
const LASTING: BackOff = { first: 10 * SECOND, longest: 10 * MINUTE };

/**
 * Milliseconds that a failing table rests: doubling with each failure in a row. What somebody must
 * mend is tried on a slower beat than what passes by itself.
 *
 * @param failures in a row, at least 1.
 */
export function restAfter(failure: Pick<Failure, 'reaction'>, failures: number): number {
  return backOff(failure.reaction === 'retry' ? PASSING : LASTING, failures);
}

/**
 * Milliseconds by which a start is put off, so that many tables due at the same second do not start
 * as one: up to a tenth of the time to the next tick, at most ten seconds.
 */
export function startJitter(toNextTick: number, random: number): number {
  return Math.round(random * Math.min(10 * SECOND, toNextTick / 10));
}
