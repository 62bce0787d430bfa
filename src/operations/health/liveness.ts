/** Milliseconds between two beats. */
const BEAT = 1_000;
/** Milliseconds without a beat after which the process counts as dead. */
const SILENCE = 30_000;

/** Whether the process does what it is there for, whatever database and environment do. */
export interface Liveness {
  readonly isAlive: () => boolean;
  /** The scheduler has ended and will not come back: what is left of the process is not worth keeping. */
  readonly workEnded: () => void;
  readonly close: () => void;
}

/**
 * A heartbeat by the timers that the schedules live by. A loop that is blocked answers no probe at all;
 * this tells of one that answers although nothing is started any more.
 */
export function startHeartbeat(): Liveness {
  let lastBeat = performance.now();
  let ended = false;
  const timer = setInterval(() => (lastBeat = performance.now()), BEAT);
  timer.unref();
  return {
    isAlive: () => !ended && performance.now() - lastBeat < SILENCE,
    workEnded: () => {
      ended = true;
    },
    close: () => clearInterval(timer),
  };
}
