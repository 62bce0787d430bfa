import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { PageMemory, type Reservation } from '../../src/dataverse/page-memory.ts';

const MB = 1024 * 1024;
const { signal } = new AbortController();

/** What has been granted so far, in order. */
function asking(memory: PageMemory): {
  granted: [name: string, reservation: Reservation][];
  ask: (name: string, bytes: number, signal?: AbortSignal) => Promise<void>;
} {
  const granted: [string, Reservation][] = [];
  return {
    granted,
    ask: async (name, bytes, either = signal) => {
      granted.push([name, await memory.reserve(bytes, either)]);
    },
  };
}

const settled = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('who comes first is served first, though who comes later would fit', async () => {
  const { granted, ask } = asking(new PageMemory(10 * MB));
  void ask('first', 8 * MB);
  void ask('large', 9 * MB);
  void ask('fits', 2 * MB);
  await settled();
  expect(granted.map(([name]) => name)).toEqual(['first']);
  granted[0]?.[1].release();
  await settled();
  expect(granted.map(([name]) => name)).toEqual(['first', 'large']);
  granted[1]?.[1].release();
  await settled();
  expect(granted.map(([name]) => name)).toEqual(['first', 'large', 'fits']);
});

test('what is small never waits, and counts all the same', async () => {
  const memory = new PageMemory(2 * MB);
  const { granted, ask } = asking(memory);
  void ask('all', 2 * MB);
  void ask('waits', 2 * MB);
  void ask('small', 1_000);
  await settled();
  expect(granted.map(([name]) => name)).toEqual(['all', 'small']);
  expect(memory.inUse).toBe(2 * MB + 1_000);
});

test('what is more than there is at all goes alone', async () => {
  const { granted, ask } = asking(new PageMemory(2 * MB));
  void ask('first', 2 * MB);
  void ask('huge', 50 * MB);
  await settled();
  granted[0]?.[1].release();
  void ask('next', 2 * MB);
  await settled();
  expect(granted.map(([name]) => name)).toEqual(['first', 'huge']);
});

test('a page that turns out smaller lets the next one in', async () => {
  const { granted, ask } = asking(new PageMemory(10 * MB));
  void ask('first', 10 * MB);
  void ask('next', 5 * MB);
  await settled();
  granted[0]?.[1].correct(1 * MB);
  await settled();
  expect(granted).toHaveLength(2);
});

test('who is aborted while waiting leaves the line, and those behind move up', async () => {
  const { granted, ask } = asking(new PageMemory(10 * MB));
  const controller = new AbortController();
  void ask('first', 6 * MB);
  const waiting = ask('large', 10 * MB, controller.signal);
  void ask('fits', 3 * MB);
  await settled();
  controller.abort(new Error('stopping'));
  await expect(waiting).rejects.toThrow('stopping');
  await settled();
  expect(granted.map(([name]) => name)).toEqual(['first', 'fits']);
});

test('memory that was given back once is not given back again', async () => {
  const memory = new PageMemory(10 * MB);
  const reservation = await memory.reserve(5 * MB, signal);
  reservation.release();
  reservation.correct(7 * MB);
  reservation.release();
  expect(memory.inUse).toBe(0);
});

test('whatever pages ask for, all get their turn, and never more is in use than there is, but for one', async () => {
  const sizes = fc.array(fc.integer({ min: MB + 1, max: 12 * MB }), { minLength: 1, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(sizes, async (pages) => {
      const memory = new PageMemory(10 * MB);
      let done = 0;
      const work = pages.map(async (bytes) => {
        const reservation = await memory.reserve(bytes, signal);
        expect(memory.inUse).toBeLessThanOrEqual(Math.max(10 * MB, bytes));
        await settled();
        reservation.release();
        done++;
      });
      await Promise.all(work);
      expect(done).toBe(pages.length);
      expect(memory.inUse).toBe(0);
    }),
    { numRuns: 100 },
  );
});
