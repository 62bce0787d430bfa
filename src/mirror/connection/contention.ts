import { backOff } from '../../timing/back-off.ts';
import { sleep } from '../../timing/sleep.ts';
import { isContention } from './sqlstate.ts';

const RETRIES = 5;
const REST = { first: 125, longest: 2_000 };
const never = new AbortController().signal;

/**
 * Repeats what lost against another transaction: a deadlock, a serialization failure, or a lock that was
 * not to be had. Five times within some three seconds, each after a longer pause.
 *
 * @param work a whole transaction, or a statement that is one.
 * @throws what `work` throws in the end; the signal's reason when aborted in a pause.
 */
export async function despiteContention<T>(work: () => Promise<T>, signal: AbortSignal = never): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isContention(error) || attempt > RETRIES) throw error;
      await sleep(backOff(REST, attempt, Math.random()), signal);
    }
  }
}
