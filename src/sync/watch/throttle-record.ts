import type { Logger } from 'pino';
import { recordThrottle } from '../../mirror/state/environments.ts';
import type { StateStore } from '../../mirror/state/store.ts';

/** Milliseconds. Shorter throttles are normal work of the budget, and nobody needs to know of them. */
export const LONG_THROTTLE = 10_000;
/** Milliseconds between two writes, because requests that are refused together each ask for one. */
const BETWEEN_WRITES = 3_000;

/**
 * Writes long throttles to the state, so that `status` can show them. A write may fail, because nothing depends on it.
 *
 * @returns a function to call with each throttle, in milliseconds from now.
 */
export function throttleRecorder(store: StateStore, logger: Logger): (milliseconds: number) => void {
  let writtenAt = Number.NEGATIVE_INFINITY;
  let recordedUntil = Number.NEGATIVE_INFINITY;
  return (milliseconds) => {
    const now = performance.now();
    const until = now + milliseconds;
    if (milliseconds < LONG_THROTTLE) return;
    // A throttle that is much longer than the recorded one is always written.
    if (now - writtenAt < BETWEEN_WRITES && until - recordedUntil < LONG_THROTTLE) return;
    writtenAt = now;
    recordedUntil = until;
    recordThrottle(store, milliseconds).catch((error: unknown) => {
      const name = error instanceof Error ? error.name : 'unknown';
      logger.debug({ error: name }, 'A throttle could not be recorded in the state.');
    });
  };
}
