import type { Logger } from 'pino';
import { recordPause } from '../../mirror/state/environments.ts';
import type { StateStore } from '../../mirror/state/store.ts';

/** Milliseconds. Shorter pauses are normal work of the budget, and nobody needs to know of them. */
export const LONG_PAUSE = 10_000;
/** Milliseconds between two writes, because requests that are refused together each ask for a pause. */
const BETWEEN_WRITES = 3_000;

/**
 * Writes long pauses to the state, so that `status` can show them. A write may fail, because nothing depends on it.
 *
 * @returns a function to call with each pause, in milliseconds from now.
 */
export function pauseRecorder(store: StateStore, logger: Logger): (milliseconds: number) => void {
  let writtenAt = Number.NEGATIVE_INFINITY;
  let recordedUntil = Number.NEGATIVE_INFINITY;
  return (milliseconds) => {
    const now = performance.now();
    const until = now + milliseconds;
    if (milliseconds < LONG_PAUSE) return;
    // A pause that is much longer than the recorded one is always written.
    if (now - writtenAt < BETWEEN_WRITES && until - recordedUntil < LONG_PAUSE) return;
    writtenAt = now;
    recordedUntil = until;
    recordPause(store, milliseconds).catch((error: unknown) => {
      const name = error instanceof Error ? error.name : 'unknown';
      logger.debug({ error: name }, 'A pause could not be recorded in the state.');
    });
  };
}
