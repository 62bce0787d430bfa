import type { Metadata } from '../../dataverse/metadata/metadata.ts';
import { sleep } from '../../timing/sleep.ts';

/**
 * Watches for changes of the environment's metadata, from now until the signal.
 *
 * @returns a wait of so many milliseconds, cut short by a change that has not ended a wait before;
 *   it rejects with the signal's reason when aborted.
 */
export function watchMetadata(
  metadata: Metadata,
  signal: AbortSignal,
): (milliseconds: number) => Promise<void> {
  let nap = new AbortController();
  metadata.onChange(() => nap.abort(), signal);
  return async (milliseconds) => {
    try {
      await sleep(milliseconds, AbortSignal.any([signal, nap.signal]));
    } catch {
      signal.throwIfAborted();
    }
    if (nap.signal.aborted) nap = new AbortController();
  };
}
