import { expect, test } from 'vitest';
import { PageBuffers } from '../../src/dataverse/page-buffers.ts';

test('memory that was given back is given out again', () => {
  const buffers = new PageBuffers();
  const first = buffers.take(1_000);
  new Uint8Array(first).fill(7);
  buffers.give(first);
  expect(new Uint8Array(buffers.take(1_050))[999]).toBe(7);
});

test('memory is not given out twice, however often it was given back', () => {
  const buffers = new PageBuffers();
  const first = buffers.take(10);
  buffers.give(first);
  buffers.give(first);
  expect(buffers.take(10)).not.toBe(buffers.take(10));
});

test('memory that is too small for a page is let go', () => {
  const buffers = new PageBuffers();
  buffers.give(buffers.take(10));
  expect(buffers.take(1_000).byteLength).toBeGreaterThanOrEqual(1_000);
  expect(buffers.take(1).byteLength).toBeLessThan(10);
});

test('words of four bytes fit into it', () => {
  const buffers = new PageBuffers();
  for (const bytes of [0, 1, 3, 4, 1_001, 65_537]) expect(buffers.take(bytes).byteLength % 4).toBe(0);
});
