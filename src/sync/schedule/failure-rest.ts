import type { Failure } from '../../model/failure.ts';
import { backOff, type BackOff } from '../../timing/back-off.ts';

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
