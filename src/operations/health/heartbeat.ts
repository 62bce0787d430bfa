/** Milliseconds between two beats. */
const BEAT = 1_000;
/** Milliseconds without a beat, after which the process counts as dead. */
const SILENCE = 30_000;

/**
 * A heartbeat by the same timers that the schedules use. A blocked event loop answers no probe at all. The
 * heartbeat finds a process that still answers although its timers have stopped.
 *
 * @returns whether the process itself works, whatever database and environment do.
 */
export function startHeartbeat(signal: AbortSignal): () => boolean {
  let lastBeat = performance.now();
  const timer = setInterval(() => (lastBeat = performance.now()), BEAT);
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  return () => performance.now() - lastBeat < SILENCE;
}
