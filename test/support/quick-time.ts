// Loaded before a command: its time passes QUICKER times as fast, with waits that are as short as chance
// lets them be. From SIGUSR2 on none of its timers fires any more.
import { syncBuiltinESMExports } from 'node:module';
import promises from 'node:timers/promises';
import { speedUpTime } from './fast-time.ts';
import { QUICKER } from './in-quick-time.ts';

speedUpTime(QUICKER);
// Next to nothing, but never twice the same: Bottleneck tells its jobs apart by it.
let drawn = 0;
Math.random = () => ++drawn / 1e12;

let areDead = false;
process.on('SIGUSR2', () => (areDead = true));

type Timer = (callback: () => void, milliseconds?: number, ...given: []) => NodeJS.Timeout;

function whileAlive(timer: Timer): Timer {
  return (callback, milliseconds, ...given) =>
    timer(
      () => {
        if (!areDead) callback();
      },
      milliseconds,
      ...given,
    );
}

const { setTimeout: timeout, setInterval: interval } = globalThis;
const wait = promises.setTimeout;
globalThis.setTimeout = Object.assign(whileAlive(timeout), timeout);
globalThis.setInterval = whileAlive(interval);
promises.setTimeout = async (...given) => {
  const value = await wait(...given);
  if (areDead) await new Promise(() => undefined);
  return value;
};
syncBuiltinESMExports();
