// Loaded before a command: its time passes four times as fast, with waits that are as short as chance
// lets them be. From SIGUSR2 on none of its timers fires any more.
import { syncBuiltinESMExports } from 'node:module';
import promises from 'node:timers/promises';

const FACTOR = 4;
const { setTimeout: realTimeout, setInterval: realInterval } = globalThis;
const realDelay = promises.setTimeout;
const realNow = performance.now.bind(performance);
let areDead = false;
process.on('SIGUSR2', () => (areDead = true));

function whileAlive(callback: (...given: unknown[]) => void): (...given: unknown[]) => void {
  return (...given) => {
    if (!areDead) callback(...given);
  };
}

type Timer = (callback: () => void, milliseconds?: number, ...given: []) => NodeJS.Timeout;

function quick(timer: Timer): Timer {
  return (callback, milliseconds = 0, ...given) =>
    timer(whileAlive(callback), milliseconds / FACTOR, ...given);
}

Math.random = () => 0;
performance.now = () => realNow() * FACTOR;
globalThis.setTimeout = Object.assign(quick(realTimeout), realTimeout);
globalThis.setInterval = quick(realInterval);
promises.setTimeout = async (milliseconds = 0, ...given) => {
  await realDelay(milliseconds / FACTOR, undefined, given[1]);
  if (areDead) await new Promise(() => undefined);
  return given[0] as never;
};
syncBuiltinESMExports();
