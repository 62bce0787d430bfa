import { setTimeout as delay } from 'node:timers/promises';

/** Node's timers hold at most this many milliseconds; more would fire at once. */
const LONGEST = 2_147_483_647;

/** Waits `milliseconds`; rejects with the signal's reason when aborted meanwhile. */
export async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(Math.min(milliseconds, LONGEST), undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
