import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readOptions } from '../../bench/options.ts';
import { changedRows } from '../../bench/rows/changed-rows.ts';
import { median } from '../../bench/support/median.ts';
import { runSpan } from '../../bench/support/run-span.ts';

test('the median is the middle one, in whatever order figures come', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([10, 9])).toBe(10);
  expect(median([])).toBeNaN();
});

test('the time of several runs is from the first beginning to the last end', () => {
  const lines = [
    { time: '2024-01-01T00:00:05.000Z', milliseconds: 4_000 },
    { time: '2024-01-01T00:00:07.000Z' },
    { time: '2024-01-01T00:00:06.500Z', milliseconds: 1_000 },
  ];
  expect(runSpan(lines)).toBe(5_500);
  expect(runSpan([])).toBeNaN();
});

test('a measurement is whole only if it is a run of everything in full', () => {
  const names = ['baseline', 'delta'];
  expect(readOptions([], names).whole).toBe(true);
  expect(readOptions(['--rounds', '2'], names).whole).toBe(true);
  for (const args of [['--only', 'delta'], ['--rows', '5'], ['--columns', '20,60'], ['--quick']]) {
    expect(readOptions(args, names).whole).toBe(false);
  }
  expect(readOptions(['--quick'], names).rows(500)).toBe(50);
  expect(readOptions(['--columns', '20,60'], names).columns([1])).toEqual([20, 60]);
  expect(() => readOptions(['--only', 'deltas'], names)).toThrow('deltas');
  expect(() => readOptions(['--rows', 'many'], names)).toThrow('many');
});

test('changed rows are different rows of the table, as many as were asked for', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 0, max: 6_000 }), (rows, asked) => {
      const changed = changedRows(rows, asked);
      const all = new Set(Array.from({ length: changed.count }, (_, at) => changed.row(at)));
      expect(all.size).toBe(Math.min(rows, asked));
      expect([...all].every((row) => row < rows)).toBe(true);
    }),
  );
});
