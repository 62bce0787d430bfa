import { sleep } from '../../timing/sleep.ts';

/**
 * Does work that gives way to other work: looks now and then whether there is any, and aborts the work then.
 *
 * @param isOtherWanted what it throws counts as no.
 * @param every milliseconds between two looks.
 * @returns undefined if the work gave way.
 * @throws what the work throws; the signal's reason when aborted.
 */
export async function interruptible<T>(
  work: (signal: AbortSignal) => Promise<T>,
  isOtherWanted: () => Promise<boolean>,
  every: number,
  signal: AbortSignal,
): Promise<T | undefined> {
  const giveWay = new AbortController();
  const ended = new AbortController();
  const either = AbortSignal.any([signal, giveWay.signal]);
  const watch = async (): Promise<void> => {
    const until = AbortSignal.any([either, ended.signal]);
    for (;;) {
      await sleep(every, until);
      if (await isOtherWanted().catch(() => false)) giveWay.abort();
    }
  };
  const watching = watch().catch(() => undefined);
  try {
    return await work(either);
  } catch (error) {
    signal.throwIfAborted();
    if (giveWay.signal.aborted) return undefined;
    throw error;
  } finally {
    ended.abort();
    await watching;
  }
}
