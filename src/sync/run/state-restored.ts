import { isObjectGone } from '../../mirror/connection/sqlstate.ts';
import { Failure } from '../../model/failure.ts';
import type { SecondLookParts } from './second-look.ts';

/**
 * Does `work` and, where it fails because something of ours is gone, once more with the state schema
 * made anew: one that was dropped means a re-baseline of every table, not a daemon that stands still.
 *
 * @throws Failure
 */
export async function withStateRestored<T>(
  { mirror, table, preparation, logger }: SecondLookParts,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Failure) || !isObjectGone(error)) throw error;
    if (await mirror.restoreState([table])) logger.warn('The state schema was gone; it has been made anew.');
    preparation.forget();
    return work();
  }
}
