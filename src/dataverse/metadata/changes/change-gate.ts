/** Calls that go through at once. */
const BURST = 5;
/** Milliseconds between two further calls. */
const INTERVAL = 30_000;

export interface GateOptions {
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
  /** Calls back after so many milliseconds. */
  readonly later?: (work: () => void, milliseconds: number) => void;
}

/**
 * Limits calls of `work`: a few go through at once, then one every half minute, and always the last one. A
 * solution import changes the environment's metadata with every component, for many minutes. Reading all
 * metadata again each time would take the whole budget.
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

/** Calls back later, unless the process has no other work and ends before. */
function laterUnlessEnded(work: () => void, milliseconds: number): void {
  setTimeout(work, milliseconds).unref();
}
