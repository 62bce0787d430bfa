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
