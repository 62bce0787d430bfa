/** Changes that are acted on at once, before they are gathered. */
const BURST = 5;
/** Milliseconds between two of those that come too often. */
const INTERVAL = 30_000;

export interface GateOptions {
  /** Milliseconds; a clock that nobody sets back. */
  readonly now?: () => number;
  /** Calls back after so many milliseconds. */
  readonly later?: (work: () => void, milliseconds: number) => void;
}

/**
 * `work` behind a gate: a few calls go through at once, and of those that come too often one every half
 * minute, the last one always. A solution import changes the environment's metadata with every
 * component, for many minutes; reading all of it anew each time would take the whole budget.
 */
export function createChangeGate(
  work: () => void,
  { now = () => performance.now(), later = laterUnlessEnded }: GateOptions = {},
): () => void {
  // What has been saved up of the intervals, in milliseconds.
  let saved = BURST * INTERVAL;
  let counted = now();
  let isWaiting = false;

  function refill(): void {
    const at = now();
    saved = Math.min(BURST * INTERVAL, saved + at - counted);
    counted = at;
  }

  function pass(): void {
    saved = Math.max(0, saved - INTERVAL);
    work();
  }

  return () => {
    if (isWaiting) return;
    refill();
    if (saved >= INTERVAL) {
      pass();
      return;
    }
    isWaiting = true;
    later(() => {
      isWaiting = false;
      refill();
      pass();
    }, INTERVAL - saved);
  };
}

/** Nothing is kept waiting for a process that has no other work. */
function laterUnlessEnded(work: () => void, milliseconds: number): void {
  setTimeout(work, milliseconds).unref();
}
