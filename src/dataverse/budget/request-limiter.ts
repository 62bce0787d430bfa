import Bottleneck from 'bottleneck';

/** Milliseconds between two refills of Bottleneck's reservoir, by a timer of its own. */
export const BEAT = 250;

export interface LimiterOptions {
  /** How many requests may be in flight at first; `updateSettings({ maxConcurrent })` changes it. */
  readonly maxConcurrent: number;
  /** How many requests may start at once after a rest. */
  readonly burst: number;
  /** How many requests come back to the burst in a millisecond. */
  readonly refill: number;
}

/** The private members of Bottleneck that are replaced below. */
interface Privates {
  readonly Events: { readonly trigger: () => Promise<void> };
  readonly _randomIndex: () => string;
  readonly _store: {
    readonly _nextRequest: number;
    readonly _startHeartbeat: () => void;
    readonly yieldLoop: () => Promise<void>;
  };
}

/**
 * A Bottleneck with five faults of its last version, 2.19.5, mended. The version is pinned in
 * package.json, because the mends replace private members.
 *
 * 1. Bottleneck compares times of day. A clock that was set back by two hours held every request for two
 *    hours, and nothing was refilled meanwhile. With intervals of minus infinity no clock has a part:
 *    every job may start at once, and every beat of Bottleneck's timer refills.
 * 2. `updateSettings` ends the refill for good, as others reported in 2021: it stops the timer
 *    that it should start. The timer of the constructor simply goes on here.
 * 3. Every step of a job waits for a timer, as it would for Redis: three milliseconds a request, one
 *    request after the other, so 200 idle tables took three times as long. The steps are promises here.
 * 4. Random numbers name what is in flight. Two requests of one name would hold their places for good, so
 *    the names are counted here. Jobs have a name too, which `schedule` takes as `id`.
 * 5. Bottleneck makes an event of each step of a job, although nobody listens. That is a fifth of its work, so
 *    no event is made here.
 */
export function createRequestLimiter({ maxConcurrent, burst, refill }: LimiterOptions): Bottleneck {
  const limiter = new Bottleneck({
    maxConcurrent,
    reservoir: burst,
    reservoirIncreaseAmount: refill * BEAT,
    reservoirIncreaseMaximum: burst,
    reservoirIncreaseInterval: Number.NEGATIVE_INFINITY,
    minTime: Number.NEGATIVE_INFINITY,
  });
  let named = 0;
  const { _store: store, Events: events } = limiter as unknown as Privates;
  Object.assign(limiter, { _randomIndex: () => String(++named) } satisfies Partial<Privates>);
  Object.assign(events, { trigger: async () => undefined } satisfies Privates['Events']);
  Object.assign(store, {
    // Otherwise the first job waits where the clock is set back before it.
    _nextRequest: Number.NEGATIVE_INFINITY,
    _startHeartbeat: () => undefined,
    yieldLoop: async () => Promise.resolve(),
  } satisfies Privates['_store']);
  return limiter;
}
