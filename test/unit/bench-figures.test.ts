import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readOptions } from '../../bench/options.ts';
import { changedRows } from '../../bench/rows/changed-rows.ts';
import { PreparedRows } from '../../bench/rows/prepared-rows.ts';
import { keyOf } from '../../bench/rows/key.ts';
import { VARIETY } from '../../bench/rows/values.ts';
import { versionOf } from '../../bench/rows/version.ts';
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

test('prepared JSON contains the rows that were written into it last', () => {
  const prepared = PreparedRows.json(20, 2 * VARIETY);
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: VARIETY }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 0, max: 5_000_000 }),
      fc.integer({ min: 0, max: 50 }),
      (first, count, from, changes) => {
        const text = prepared.write(first, count, (at) => from + at, changes).toString();
        const rows = JSON.parse(`[${text.slice(1)}]`) as Record<string, unknown>[];
        expect(rows.map((row) => row['accountid'])).toEqual(rows.map((_, at) => keyOf(from + at)));
        expect(rows.map((row) => row['versionnumber'])).toEqual(
          rows.map((_, at) => versionOf(from + at, changes)),
        );
        expect(rows).toHaveLength(count);
      },
    ),
    { numRuns: 50 },
  );
});

test('COPY text has the same keys and versions, a line a row', () => {
  const prepared = PreparedRows.copyText(20, VARIETY);
  const lines = prepared
    .write(3, 4, (at) => 70 + at, 2)
    .toString()
    .trimEnd()
    .split('\n');
  expect(lines.map((line) => line.split('\t').slice(0, 2))).toEqual(
    [70, 71, 72, 73].map((row) => [keyOf(row), String(versionOf(row, 2))]),
  );
  expect(lines.every((line) => line.split('\t').length === 20)).toBe(true);
});

test('a copy of prepared rows keeps its values when the original is written again', () => {
  const first = PreparedRows.copyText(4, 2);
  const text = first.copy().write(0, 1, () => 5, 0);
  first.write(0, 1, () => 6, 0);
  expect(text.toString()).toContain(keyOf(5));
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
