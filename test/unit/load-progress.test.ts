import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { loadProgress, progressText, rowsText, type LoadFigures } from '../../src/model/load-progress.ts';
import { readableCount, readableNumber, readableSpan } from '../../src/model/readable-figures.ts';

const HALF_WAY: LoadFigures = {
  rowsLoaded: 610_000,
  rowsExpected: 1_000_000,
  rowsBefore: 10_000,
  seconds: 1_200,
  quietSeconds: 2,
  isAtWork: true,
};

const rows = fc.nat({ max: 2_000_000_000 });
const seconds = fc.double({ min: 0, max: 1e6, noNaN: true });
const figures: fc.Arbitrary<LoadFigures> = fc.record({
  rowsLoaded: rows,
  rowsExpected: fc.option(rows),
  rowsBefore: rows,
  seconds,
  quietSeconds: fc.option(seconds),
  isAtWork: fc.boolean(),
});

test('the progress of a load is told in percent and in the time that is left', () => {
  const progress = loadProgress(HALF_WAY);
  expect(progress).toMatchObject({ percent: 61, rowsPerSecond: 500, etaSeconds: 780 });
  expect(progressText(progress)).toBe('61 %, 13 min left');
  expect(rowsText(progress)).toBe('610,000 of 1,000,000 rows');
});

test('the progress of a load is never below 0 %, and never 100 % before its end', () => {
  fc.assert(
    fc.property(figures, (given) => {
      const { percent, rowsPerSecond, etaSeconds } = loadProgress(given);
      expect(percent ?? 0).toBeGreaterThanOrEqual(0);
      expect(percent ?? 0).toBeLessThanOrEqual(99);
      expect(rowsPerSecond ?? 1).toBeGreaterThan(0);
      expect(etaSeconds ?? 1).toBeGreaterThan(0);
    }),
  );
});

test('the progress of a load never falls while rows are stored', () => {
  fc.assert(
    fc.property(figures, fc.nat({ max: 100_000 }), (given, more) => {
      const before = loadProgress(given).percent ?? 0;
      const after = loadProgress({ ...given, rowsLoaded: given.rowsLoaded + more }).percent ?? 0;
      expect(after).toBeGreaterThanOrEqual(before);
    }),
  );
});

test('a load has no rate before half a second, after a minute without a page, and without a process at work', () => {
  fc.assert(
    fc.property(figures, (given) => {
      for (const odd of [
        { seconds: 0.4 },
        { quietSeconds: 61 },
        { quietSeconds: null },
        { isAtWork: false },
      ]) {
        expect(loadProgress({ ...given, ...odd })).toMatchObject({ rowsPerSecond: null, etaSeconds: null });
      }
    }),
  );
});

test('the rate of a load counts the rows since the process began with it, and not those that were there', () => {
  expect(loadProgress({ ...HALF_WAY, rowsBefore: 609_000, seconds: 10 }).rowsPerSecond).toBe(100);
  expect(loadProgress({ ...HALF_WAY, rowsBefore: 610_000 }).rowsPerSecond).toBeNull();
});

test('a load without a count, or with a count that is too low, tells its rows', () => {
  const uncounted = loadProgress({ ...HALF_WAY, rowsExpected: null });
  expect(progressText(uncounted)).toBe('610,000 rows so far');
  expect(rowsText(uncounted)).toBe('610,000 rows');
  const exceeded = loadProgress({ ...HALF_WAY, rowsExpected: 610_000 });
  expect(progressText(exceeded)).toBe('99 %');
  expect(rowsText(exceeded)).toBe('610,000 rows');
});

test('a number of any size is written in groups of three digits', () => {
  expect([0, 12, 999, 1_000, 388_560_771].map(readableNumber)).toEqual([
    '0',
    '12',
    '999',
    '1,000',
    '388,560,771',
  ]);
  fc.assert(
    fc.property(rows, (number) => {
      expect(Number(readableNumber(number).replaceAll(',', ''))).toBe(number);
      expect(readableNumber(number)).toMatch(/^\d{1,3}(,\d{3})*$/);
    }),
  );
});

test('a count has its thing in the plural unless it is one', () => {
  expect([0, 1, 2_000].map((count) => readableCount(count, 'row'))).toEqual([
    '0 rows',
    '1 row',
    '2,000 rows',
  ]);
});

test('a span of time is told in its one or two largest units', () => {
  const spans = [0, 3.4, 59.6, 61, 720, 3_599, 3_600, 11_100, 86_399, 90_000, 172_800].map(readableSpan);
  expect(spans).toEqual([
    '0 s',
    '3 s',
    '1 min',
    '1 min',
    '12 min',
    '1 h',
    '1 h',
    '3 h 5 min',
    '1 d',
    '1 d 1 h',
    '2 d',
  ]);
});

test('a span of time never says 60 minutes or 24 hours', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e7, noNaN: true }), (span) => {
      expect(readableSpan(span)).not.toMatch(/\b60 (s|min)|\b24 h/);
    }),
  );
});
