import { sleep } from '../../timing/sleep.ts';

/** Keeps work within a share of the API's limits. */
export interface Pace {
  /** Waits until the share allows another request. */
  readonly wait: (signal: AbortSignal) => Promise<void>;
  /** Tells what the work has spent. */
  readonly spent: (requests: number, milliseconds: number) => void;
}

/** Milliseconds over which the limits of Dataverse count ("Service protection API limits"). */
const WINDOW = 300_000;
/** Milliseconds of execution time that Dataverse allows in a window, over all requests together. */
const EXECUTION = 1_200_000;

/**
 * A steady pace: what was spent is waited for before anything more is spent. So no window of any length contains more
 * than its share, but for one request.
 *
 * @param share from 0 to 1.
 * @param requestsPer5Minutes asked each time, because a reload may change it.
 */
export function sharePace(share: () => number, requestsPer5Minutes: () => number): Pace {
  let free = Number.NEGATIVE_INFINITY;
  return {
    async wait(signal) {
      const rest = free - performance.now();
      if (rest > 0) await sleep(rest, signal);
    },
    spent(requests, milliseconds) {
      const rest = spanAtShare({ requests, milliseconds }, share(), requestsPer5Minutes());
      free = Math.max(free, performance.now()) + rest;
    },
  };
}

/** Milliseconds in which a share of the limits allows so many requests that execute for so long together. */
export function spanAtShare(
  { requests, milliseconds }: { readonly requests: number; readonly milliseconds: number },
  share: number,
  requestsPer5Minutes: number,
): number {
  const byRequests = (requests / (share * requestsPer5Minutes)) * WINDOW;
  const byExecution = (milliseconds / (share * EXECUTION)) * WINDOW;
  return Math.max(byRequests, byExecution);
}
