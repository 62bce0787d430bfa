import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { withServices, type Service } from '../../src/timing/services.ts';
import { untilAborted } from '../../src/timing/sleep.ts';

const DEFECT = new TypeError('a defect');

/** A service that takes some time to come to rest, and what became of it. */
function service(): { readonly run: Service; readonly isAtRest: () => boolean } {
  let atRest = false;
  return {
    async run(signal) {
      await untilAborted(signal);
      await delay(5);
      atRest = true;
    },
    isAtRest: () => atRest,
  };
}

const breaking: Service = async () => {
  await delay(1);
  throw DEFECT;
};

describe('services beside a work', () => {
  it('services stop when the work has ended, and the call ends once they are at rest', async () => {
    const { run, isAtRest } = service();
    const stop = new AbortController();
    expect(await withServices([run], async () => 'done', stop.signal)).toBe('done');
    expect(isAtRest()).toBe(true);
  });

  it('services stop when the work throws, and its error is thrown', async () => {
    const { run, isAtRest } = service();
    const work = async (): Promise<void> => Promise.reject(DEFECT);
    await expect(withServices([run], work, new AbortController().signal)).rejects.toBe(DEFECT);
    expect(isAtRest()).toBe(true);
  });

  it('services go on after the signal until the work has ended', async () => {
    const { run, isAtRest } = service();
    const stop = new AbortController();
    const work = async (signal: AbortSignal): Promise<boolean> => {
      await untilAborted(signal);
      await delay(10);
      return isAtRest();
    };
    const ended = withServices([run], work, stop.signal);
    stop.abort();
    expect(await ended).toBe(false);
    expect(isAtRest()).toBe(true);
  });

  it('services end with the defect of one of them, which stops the work and the others', async () => {
    const { run, isAtRest } = service();
    const ended = withServices([run, breaking], untilAborted, new AbortController().signal);
    await expect(ended).rejects.toBe(DEFECT);
    expect(isAtRest()).toBe(true);
  });
});
