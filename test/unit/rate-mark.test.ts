import { expect, test } from 'vitest';
import { loadProgress } from '../../src/model/load-progress.ts';
import { RateMark } from '../../src/sync/load/rate-mark.ts';

test('the rate of a load follows the last minute or two, once the load has become slower', () => {
  const mark = new RateMark(0, 0);
  let rows = 0;
  let second = 0;
  const load = (seconds: number, each: number): number | null => {
    for (const end = second + seconds; second < end;) {
      second += 1;
      mark.reached(rows, second * 1_000);
      rows += each;
    }
    const figures = { rowsLoaded: rows, rowsExpected: 100_000, rowsBefore: mark.rows };
    const spent = second - mark.at / 1_000;
    return loadProgress({ ...figures, seconds: spent, quietSeconds: 0, isAtWork: true }).rowsPerSecond;
  };
  expect(load(30, 125)).toBe(125);
  expect(load(200, 125)).toBeCloseTo(125, -1);
  expect(load(200, 15)).toBeCloseTo(15, 0);
  expect(second - mark.at / 1_000).toBeGreaterThanOrEqual(60);
  expect(second - mark.at / 1_000).toBeLessThanOrEqual(121);
});
