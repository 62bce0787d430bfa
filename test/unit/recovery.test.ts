import { expect, it } from 'vitest';
import { Failure, type CodeOfOneReaction } from '../../src/model/failure.ts';
import { recovering } from '../../src/sync/run/recovery.ts';
import { never } from '../support/mirror.ts';

const failure = (code: CodeOfOneReaction): Failure => new Failure({ code, message: code });

const delays = [1, 2, 3];
const random = (): number => 0.5;

/** Work that fails as it is told, attempt by attempt, and then is done. */
function attempts(...failures: readonly (Failure | undefined)[]): () => Promise<string> {
  const left = [...failures];
  return async () => {
    const next = left.shift();
    if (next !== undefined) throw next;
    return 'done';
  };
}

it('troubles of the database are waited for, each longer than the one before', async () => {
  const told: [string, number][] = [];
  const work = attempts(failure('database-unreachable'), failure('database-unavailable'));
  const onTrouble = async ({ code }: Failure, wait: number): Promise<void> => void told.push([code, wait]);
  const options = { progress: () => 0, onTrouble, delays, random };
  expect(await recovering(work, options, never)).toBe('done');
  expect(told).toEqual([
    ['database-unreachable', 1],
    ['database-unavailable', 2],
  ]);
});

it('the attempts come to an end, with the trouble that was left', async () => {
  const last = failure('database-unavailable');
  const work = attempts(...delays.map(() => failure('database-unreachable')), last);
  const options = { progress: () => 0, onTrouble: async () => undefined, delays, random };
  await expect(recovering(work, options, never)).rejects.toBe(last);
});

it('after some progress a trouble is a first one again', async () => {
  let pages = 0;
  const waits: number[] = [];
  const work = attempts(...Array.from({ length: 10 }, () => failure('database-unreachable')));
  const paged = async (): Promise<string> => {
    pages++;
    return work();
  };
  const onTrouble = async (_: Failure, wait: number): Promise<void> => void waits.push(wait);
  const options = { progress: () => pages, onTrouble };
  expect(await recovering(paged, { ...options, delays, random }, never)).toBe('done');
  expect(new Set(waits)).toEqual(new Set([1]));
});

it('what is no trouble of the database is nothing to wait for', async () => {
  const other = failure('lease-lost');
  const options = { progress: () => 0, onTrouble: async () => undefined, delays, random };
  await expect(recovering(attempts(other), options, never)).rejects.toBe(other);
});

it('an abort ends the waiting', async () => {
  const stop = new AbortController();
  const reason = new Error('stopped');
  const onTrouble = async (): Promise<void> => stop.abort(reason);
  const options = { progress: () => 0, onTrouble, delays: [60_000], random };
  const work = attempts(failure('database-unreachable'));
  await expect(recovering(work, options, stop.signal)).rejects.toBe(reason);
});
