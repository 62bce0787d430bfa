/** Milliseconds between two beats. */
const BEAT = 1_000;
/** Milliseconds without a beat, after which the process counts as dead. */
const SILENCE = 30_000;

/** Whether the process itself works, whatever database and environment do. */
export interface Liveness {
  readonly isAlive: () => boolean;
  /** The scheduler has ended, so a restart of the process is needed. */
  readonly workEnded: () => void;
  readonly close: () => void;
}

/**
 * A heartbeat by the same timers that the schedules use. A blocked event loop answers no probe at all. The
 * heartbeat finds a process that still answers although its timers have stopped.
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
