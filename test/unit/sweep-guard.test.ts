import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  coversErasure,
  DEFAULT_SWEEP_LIMITS,
  isMuch,
  mayErase,
} from '../../src/mirror/deletes/sweep-limits.ts';

const counts = fc
  .tuple(fc.nat(1_000_000), fc.nat(1_000_000))
  .map(([unseen, seen]) => ({ unseen, rows: unseen + seen }));
const limits = fc.record({
  maxShare: fc.double({ min: 0, max: 0.99, noNaN: true }),
  atLeast: fc.nat(10_000),
});

describe('a sweep', () => {
  it.each([
    [{ unseen: 1_000, rows: 1_120 }, true],
    [{ unseen: 1_000, rows: 1_110 }, false],
    [{ unseen: 90, rows: 100 }, true],
    [{ unseen: 99, rows: 100 }, true],
    [{ unseen: 91, rows: 101 }, false],
    [{ unseen: 1_001, rows: 5_004 }, false],
    [{ unseen: 1_001, rows: 5_005 }, true],
    [{ unseen: 10, rows: 10 }, true],
    [{ unseen: 11, rows: 11 }, false],
    [{ unseen: 0, rows: 0 }, true],
  ])('a sweep of %j is allowed by default: %j', (erased, allowed) => {
    expect(mayErase(erased, DEFAULT_SWEEP_LIMITS)).toBe(allowed);
  });

  it('a sweep that is allowed stays allowed when it deletes less of as many rows', () => {
    fc.assert(
      fc.property(counts, limits, fc.nat(), (erased, either, fewer) => {
        fc.pre(erased.unseen > 0 && mayErase(erased, either));
        const less = { ...erased, unseen: erased.unseen - 1 - (fewer % erased.unseen) };
        expect(mayErase(less, either)).toBe(true);
      }),
    );
  });

  it('a sweep never deletes more than ten rows unasked when it leaves none, unless the guard is off', () => {
    fc.assert(
      fc.property(fc.integer({ min: 11, max: 1_000_000 }), limits, (rows, either) => {
        expect(mayErase({ unseen: rows, rows }, either)).toBe(false);
        expect(mayErase({ unseen: rows, rows }, { ...either, maxShare: 1 })).toBe(true);
      }),
    );
  });
});

it('a repair asks from the same number of rows on as a sweep that leaves a tenth of the table', () => {
  fc.assert(
    fc.property(counts, limits, (erased, either) => {
      const { unseen, rows } = erased;
      fc.pre(unseen <= 0.9 * rows && unseen < rows);
      expect(isMuch(unseen, rows, either)).toBe(!mayErase(erased, either));
      expect(isMuch(unseen, rows, { ...either, maxShare: 1 })).toBe(false);
    }),
  );
});

it('a confirmation holds for as many rows and some more, and not for twice as many', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 1_000_000 }), (agreed) => {
      expect(coversErasure({ unseen: agreed, rows: agreed }, agreed)).toBe(true);
      expect(coversErasure({ unseen: 2 * agreed, rows: 2 * agreed }, agreed)).toBe(false);
    }),
  );
});
