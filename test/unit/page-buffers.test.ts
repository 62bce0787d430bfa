import { expect, test } from 'vitest';
import { PageBuffers } from '../../src/dataverse/page/page-buffers.ts';
import { MemoryShort, PageMemory } from '../../src/dataverse/page/page-memory.ts';

const MB = 1024 * 1024;
const { signal } = new AbortController();

async function page(memory: PageMemory, bytes = 1_000): Promise<PageBuffers> {
  return new PageBuffers(memory, await memory.reserve(bytes, signal));
}

/** A memory in which a page is always at work, so that what others give back is kept. */
async function busyMemory(total = 100 * MB): Promise<PageMemory> {
  const memory = new PageMemory(total);
  await memory.reserve(1, signal);
  return memory;
}

test('the memory of one page is given to the next, also of another table', async () => {
  const memory = await busyMemory();
  const first = await page(memory);
  new Uint8Array(first.take(1_000)).fill(7);
  first.release();
  expect(new Uint8Array((await page(memory)).take(1_050))[999]).toBe(7);
});

test('memory is not given out twice, however often a page is released', async () => {
  const memory = await busyMemory();
  const first = await page(memory);
  first.take(10);
  first.release();
  first.release();
  expect((await page(memory)).take(10)).not.toBe((await page(memory)).take(10));
});

test('memory that is much larger than what is needed stays for others', async () => {
  const memory = await busyMemory();
  const first = await page(memory);
  first.take(1_000);
  first.release();
  expect((await page(memory)).take(10).byteLength).toBeLessThan(20);
  expect(memory.inReserve).toBeGreaterThanOrEqual(1_000);
});

test('text whose characters take four bytes fits into the memory of a page', () => {
  const buffers = new PageBuffers();
  for (const bytes of [0, 1, 3, 4, 1_001, 65_537]) expect(buffers.take(bytes).byteLength % 4).toBe(0);
});

test('memory counts as far as it was written to, and kept memory counts for as much as before', async () => {
  const memory = await busyMemory();
  const first = await page(memory, 0);
  const body = first.take(50 * MB, 1_000);
  expect(memory.inUse).toBe(1 + 1_000);
  first.touch(body, 20 * MB);
  first.filled(body, 20 * MB);
  expect(first.bytes).toBe(20 * MB);
  first.release();
  expect([memory.inUse, memory.inReserve]).toEqual([1, 20 * MB]);
  const second = await page(memory, 0);
  second.take(50 * MB, 1_000);
  expect([second.bytes, memory.inReserve]).toEqual([20 * MB, 0]);
});

test('an answer that is asked for again comes into the memory of the former answer', async () => {
  const memory = await busyMemory(10 * MB);
  const buffers = await page(memory);
  for (let attempt = 0; attempt < 20; attempt++) {
    buffers.restart();
    buffers.take(4 * MB);
  }
  expect(memory.inUse).toBeLessThan(5 * MB);
});

test('a page whose memory other pages have is refused memory, and gives all of it back when it is released', async () => {
  const memory = await busyMemory(10 * MB);
  const first = await page(memory);
  first.take(7 * MB);
  const second = await page(memory);
  const body = second.take(9 * MB, MB);
  expect(() => second.touch(body, 5 * MB)).toThrow(MemoryShort);
  expect(() => second.take(5 * MB)).toThrow(MemoryShort);
  second.release();
  first.release();
  expect(memory.inUse).toBe(1);
});
