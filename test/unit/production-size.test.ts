import { expect, test } from 'vitest';
import { productionSize } from '../../bench/support/production-size.ts';

test('the packages that mirrorverse needs to run stay within 60 MB', () => {
  const size = productionSize(`${import.meta.dirname}/../..`);
  // Fewer would mean that the packages were not found.
  expect(size).toBeGreaterThan(20_000_000);
  expect(size).toBeLessThan(60_000_000);
});
