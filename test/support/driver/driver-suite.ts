import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { speedUpTime } from '../fast-time.ts';
import { driveSeed, outcome } from './drive-seeds.ts';
import { REGRESSIONS } from './regressions.ts';
import { ScenarioDatabases } from './scenario-databases.ts';
import { seedsOf } from './seeds.ts';

/** Back-offs of a minute last a second. */
const SPEED = 50;
/** Milliseconds of the shortest limit on what is not faster: that for a connection to the database. */
const LIMITS = 10_000;
/** Milliseconds for making a scenario that fails smaller, where it is the only one. */
const SHRINKING = 90_000;

/** The random driver over one share of its seeds, which one test file has for itself. */
export function driverSuite(share: number, shares: number): void {
  const seeds = seedsOf(process.env, share, shares);
  const shrinking = process.env['SEED'] === undefined ? 0 : SHRINKING;
  const databases = new ScenarioDatabases();
  beforeAll(() => {
    speedUpTime(SPEED, LIMITS);
  });
  afterAll(async () => {
    await databases[Symbol.asyncDispose]();
  });
  describe('the random driver', () => {
    it.each(share === 0 ? REGRESSIONS : [])('the mirror is right again after %s', async (_, scenario) => {
      expect(await outcome(databases, scenario)).toEqual([]);
    });
    it.each(seeds)(
      'the mirror is right again after the changes, faults and deaths of seed %i',
      { timeout: 180_000, retry: 0 },
      async (seed) => {
        expect(await driveSeed(databases, seed, shrinking)).toBe('');
      },
    );
  });
}
