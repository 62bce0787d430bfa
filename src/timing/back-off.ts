import type { Failure } from '../model/failure.ts';

/** Limits of the rest before another try. */
export interface BackOff {
  /** Milliseconds after the first failure. */
  readonly first: number;
  /** Milliseconds that no rest exceeds, however often it has failed. */
  readonly longest: number;
}

/**
 * Milliseconds to rest after so many failures in a row: the first rest, doubled with each further failure
 * up to the longest one.
 *
 * @param failures at least 1.
 * @param random in [0, 1): the second half of the rest is multiplied by it, so that many callers that failed
 *   together do not come back together. Left out, the rest is exact.
 */
export function backOff({ first, longest }: BackOff, failures: number, random = 1): number {
  const full = Math.min(longest, first * 2 ** (failures - 1));
  return Math.round((full / 2) * (1 + random));
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** After trouble that passes by itself. */
const PASSING: BackOff = { first: SECOND, longest: 2 * MINUTE };
/** After trouble that somebody must mend: it is tried on a slower beat. */
const LASTING: BackOff = { first: 10 * SECOND, longest: 10 * MINUTE };

/**
 * Milliseconds that what fails rests before it is tried again: a table, its labels, the opening of the database.
 *
 * @param failures in a row, at least 1.
 */
export function restAfter({ reaction }: Pick<Failure, 'reaction'>, failures: number): number {
  return backOff(reaction === 'retry' ? PASSING : LASTING, failures);
}
