import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';

/**
 * Makes time pass so many times as fast for what this process waits and measures by itself: the pauses
 * and back-offs of the code under test, by `node:timers/promises` and `performance.now()`. Sockets, the
 * database and the clock on the wall keep their pace. It is for good: for a process of its own.
 */
export function speedUpTime(factor: number): void {
  const begun = performance.now();
  const measure = performance.now.bind(performance);
  performance.now = () => begun + (measure() - begun) * factor;
  const wait = timers.setTimeout;
  timers.setTimeout = async (delay = 0, ...rest) => wait(delay / factor, ...rest);
  syncBuiltinESMExports();
}
