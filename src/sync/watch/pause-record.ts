import type { Logger } from 'pino';
import { recordPause } from '../../mirror/environment/environments.ts';
import type { StateStore } from '../../mirror/state/store.ts';

/** Milliseconds; shorter pauses are everyday business of the budget. */
export const LONG_PAUSE = 10_000;
/** Milliseconds between two writes: requests that are refused together ask for as many pauses. */
const BETWEEN_WRITES = 3_000;

/**
 * Writes long pauses to the state, for `status` to tell of. Best effort: nothing depends on it.
 *
 * @returns what is to be told each pause, in milliseconds from now.
 */
export function pauseRecorder(store: StateStore, logger: Logger): (milliseconds: number) => void {
  let writtenAt = Number.NEGATIVE_INFINITY;
  let recordedUntil = Number.NEGATIVE_INFINITY;
  return (milliseconds) => {
    const now = performance.now();
    const until = now + milliseconds;
    if (milliseconds < LONG_PAUSE) return;
    // One that is much longer is worth a write at any time.
    if (now - writtenAt < BETWEEN_WRITES && until - recordedUntil < LONG_PAUSE) return;
    writtenAt = now;
    recordedUntil = until;
    recordPause(store, milliseconds).catch((error: unknown) => {
      const name = error instanceof Error ? error.name : 'unknown';
      logger.debug({ error: name }, 'A pause could not be recorded in the state.');
    });
  };
}
