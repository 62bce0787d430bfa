import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';

type Timer = (callback: () => void, milliseconds?: number, ...given: []) => NodeJS.Timeout;

/**
 * Makes time pass so many times as fast for what this process waits and measures by itself: the pauses
 * and back-offs of the code under test, by timers and `performance.now()`. Sockets, the database, the
 * clock on the wall and `node:timers` keep their pace. It is for good: for a process of its own.
 *
 * @param longest milliseconds from which on timers with a callback keep their pace: those that long are
 *   limits on what does.
 */
export function speedUpTime(factor: number, longest = Number.POSITIVE_INFINITY): void {
  const { setTimeout: timeout, setInterval: interval } = globalThis;
  const wait = timers.setTimeout;
  const begun = performance.now();
  const measure = performance.now.bind(performance);
  const fast =
    (timer: Timer): Timer =>
    (callback, milliseconds = 0, ...given) =>
      timer(callback, milliseconds < longest ? milliseconds / factor : milliseconds, ...given);
  performance.now = () => begun + (measure() - begun) * factor;
  globalThis.setTimeout = Object.assign(fast(timeout), timeout);
  globalThis.setInterval = fast(interval);
  timers.setTimeout = async (delay = 0, ...rest) => wait(delay / factor, ...rest);
  syncBuiltinESMExports();
}
