import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { MemoryShort, PageMemory, type Reservation } from '../../src/dataverse/page/page-memory.ts';

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

test('the page that comes first is served first, although a later one would fit', async () => {
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

test('a small page does not wait for a large one, and counts all the same', async () => {
  const memory = new PageMemory(2 * MB);
  const { granted, ask } = asking(memory);
  void ask('all', 2 * MB);
  void ask('waits', 2 * MB);
  void ask('small', 1_000);
  await settled();
  expect(granted.map(([name]) => name)).toEqual(['all', 'small']);
  expect(memory.inUse).toBe(2 * MB + 1_000);
});

test('small pages wait once they take too much together', async () => {
  const memory = new PageMemory(2 * MB);
  const { granted, ask } = asking(memory);
  for (let table = 0; table < 100; table++) void ask(`table ${table}`, MB);
  await settled();
  expect(granted).toHaveLength(10);
  expect(memory.inUse).toBe(10 * MB);
});

test('a page that needs more than all memory is read alone', async () => {
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
  granted[0]?.[1].resize(1 * MB);
  await settled();
  expect(granted).toHaveLength(2);
});

test('a page that is aborted while it waits leaves the line, and those behind it move up', async () => {
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
  reservation.resize(7 * MB);
  reservation.release();
  expect(memory.inUse).toBe(0);
});

test('a page that grows beyond the memory that is left gets a refusal, and keeps what it has', async () => {
  const memory = new PageMemory(10 * MB);
  const first = await memory.reserve(4 * MB, signal);
  const other = await memory.reserve(4 * MB, signal);
  first.resize(6 * MB);
  expect(() => other.resize(5 * MB)).toThrow(MemoryShort);
  expect(memory.inUse).toBe(10 * MB);
  first.release();
  other.resize(9 * MB);
  expect(memory.inUse).toBe(9 * MB);
});

test('memory that is kept for later makes room for pages that need it now', async () => {
  const memory = new PageMemory(10 * MB);
  const idle = await memory.reserve(MB, signal);
  for (let at = 0; at < 3; at++) memory.keep({ buffer: new ArrayBuffer(3 * MB), touched: 3 * MB });
  expect(memory.inReserve).toBe(9 * MB);
  const page = await memory.reserve(5 * MB, signal);
  expect(memory.inReserve).toBe(3 * MB);
  page.resize(8 * MB);
  expect(memory.inReserve).toBe(0);
  page.release();
  idle.release();
});

test('memory of ever other sizes is not kept without end, and the oldest goes', async () => {
  const memory = new PageMemory(100 * MB);
  await memory.reserve(MB, signal);
  for (let size = 1; size <= 1_000; size++)
    memory.keep({ buffer: new ArrayBuffer(8 * size), touched: 8 * size });
  expect(memory.inReserve).toBeLessThanOrEqual(48 * 8_000);
  expect(memory.spare(8_000)).toBeDefined();
  expect(memory.spare(8)).toBeUndefined();
});

test('kept memory is dropped once no page is at work', async () => {
  const memory = new PageMemory(10 * MB);
  const page = await memory.reserve(2 * MB, signal);
  memory.keep({ buffer: new ArrayBuffer(3 * MB), touched: 3 * MB });
  page.release();
  expect(memory.inReserve).toBe(0);
});

/** Bytes that each page turns out to take, and how it comes: in so many steps. */
const PAGES = fc.array(
  fc.record({ bytes: fc.integer({ min: 1, max: 10 * MB }), steps: fc.integer({ min: 1, max: 6 }) }),
  { minLength: 1, maxLength: 30 },
);

test('pages that grow and give up are all read in the end, each with two tries at most', async () => {
  await fc.assert(
    fc.asyncProperty(PAGES, fc.scheduler(), async (pages, scheduler) => {
      const memory = new PageMemory(10 * MB);
      const tries = pages.map(() => 0);
      const most = 10 * MB + 8 * MB;
      const read = async (at: number): Promise<void> => {
        const { bytes, steps } = pages[at] as { bytes: number; steps: number };
        // As a reader has it: a little at first, and all of it where that was not enough.
        for (let needed = 64 * 1024; ; needed = memory.total) {
          const reservation = await memory.reserve(needed, signal);
          tries[at] = (tries[at] ?? 0) + 1;
          try {
            for (let step = 1; step <= steps; step++) {
              reservation.resize(Math.max(needed, Math.ceil((bytes * step) / steps)));
              expect(memory.inUse + memory.inReserve).toBeLessThanOrEqual(most);
              await scheduler.schedule(Promise.resolve());
            }
            memory.keep({ buffer: new ArrayBuffer(8), touched: bytes });
            return;
          } catch (error) {
            if (!(error instanceof MemoryShort)) throw error;
          } finally {
            reservation.release();
          }
        }
      };
      const all = Promise.all(Array.from(pages.keys(), async (at) => read(at)));
      await scheduler.waitFor(all);
      expect(Math.max(...tries)).toBeLessThanOrEqual(2);
      expect(memory.inUse).toBe(0);
      expect(memory.inReserve).toBe(0);
    }),
    { numRuns: 60 },
  );
});

test('pages of any sizes all get their turn, and never more memory is in use than there is, except by a single page', async () => {
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

test('more memory lets the next page in, and with less memory the pages under way keep theirs', async () => {
  const memory = new PageMemory(10 * MB);
  const { granted, ask } = asking(memory);
  void ask('first', 8 * MB);
  void ask('second', 8 * MB);
  await settled();
  expect(granted.map(([name]) => name)).toEqual(['first']);
  memory.change(16 * MB);
  await settled();
  expect(granted.map(([name]) => name)).toEqual(['first', 'second']);
  memory.change(8 * MB);
  expect(memory.inUse).toBe(16 * MB);
  void ask('third', 8 * MB);
  granted[0]?.[1].release();
  await settled();
  expect(granted).toHaveLength(2);
  granted[1]?.[1].release();
  await settled();
  expect(granted).toHaveLength(3);
});
