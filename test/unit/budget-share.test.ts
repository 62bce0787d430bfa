import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fairShare, nextOf, weightOf, type SharedLimits } from '../../src/dataverse/budget/budget-share.ts';

const LIMITS: SharedLimits = { requests: 6_000, concurrency: 8, executionTime: 1_180_000 };
const NOW = { requests: [], executionTime: [], inFlight: 0, throttledFor: 0, isPressed: false };

const weights = fc.array(fc.constantFrom(0.05, 0.3, 0.7, 1), { minLength: 1, maxLength: 12 });
const named = (all: readonly number[]) => all.map((weight, at) => ({ process: `p${at}`, weight }));

describe('the share of a process', () => {
  it('the shares of all processes together never exceed the limits, whatever each needs', () => {
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 40 }), fc.nat(), (all, concurrency, turn) => {
        const limits = { ...LIMITS, requests: 1_000, concurrency };
        const processes = named(all);
        const shares = processes.map(({ process }) => fairShare(limits, processes, process, turn));
        const sum = (of: keyof SharedLimits): number => shares.reduce((total, share) => total + share[of], 0);
        expect(sum('requests')).toBeLessThanOrEqual(1_000);
        expect(sum('concurrency')).toBeLessThanOrEqual(concurrency);
        expect(sum('executionTime')).toBeLessThanOrEqual(LIMITS.executionTime);
      }),
    );
  });

  it('processes that all have work get everything, in parts that differ by one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.nat(), (count, turn) => {
        const processes = named(Array.from({ length: count }, () => 1));
        const shares = processes.map(({ process }) => fairShare(LIMITS, processes, process, turn));
        for (const of of ['requests', 'concurrency', 'executionTime'] as const) {
          const parts = shares.map((share) => share[of]);
          expect(parts.reduce((sum, part) => sum + part, 0)).toBe(LIMITS[of]);
          expect(Math.max(...parts) - Math.min(...parts)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('each process has a request in flight in its turn, however many there are', () => {
    const processes = named(Array.from({ length: 11 }, () => 1));
    for (const { process } of processes) {
      const turns = Array.from({ length: 11 }, (_, turn) => fairShare(LIMITS, processes, process, turn));
      expect(turns.some(({ concurrency }) => concurrency > 0)).toBe(true);
    }
  });

  it('a process without work leaves the others almost everything, and keeps enough to begin', () => {
    const processes = named([0.05, 1, 1]);
    const [idle, busy] = ['p0', 'p1'].map((process) => fairShare(LIMITS, processes, process, 0));
    expect(idle?.requests).toBeGreaterThanOrEqual(50);
    expect(idle?.concurrency).toBe(1);
    expect(busy?.requests).toBeGreaterThan(0.48 * LIMITS.requests);
  });

  it('a process that needs little leaves half of its part to one that begins', () => {
    const alone = fairShare(LIMITS, named([0.2]), 'p0', 0);
    expect(alone).toEqual({ requests: 3_000, concurrency: 4, executionTime: 590_000 });
  });
});

describe('the need of a process', () => {
  it('a process whose requests wait for the limits needs as much as any other', () => {
    expect(weightOf({ ...NOW, isPressed: true }, LIMITS)).toBe(1);
  });

  it('a process that sends nothing keeps the floor', () => {
    expect(weightOf(NOW, LIMITS)).toBe(0.05);
  });

  it('a process needs twice what it sends, by requests of the last seconds or by requests in flight', () => {
    // 6,000 in five minutes are 200 in ten seconds.
    expect(weightOf({ ...NOW, requests: [40, 40] }, LIMITS)).toBeCloseTo(0.4);
    expect(weightOf({ ...NOW, inFlight: 2 }, LIMITS)).toBeCloseTo(0.5);
    expect(weightOf({ ...NOW, inFlight: 8 }, LIMITS)).toBe(1);
  });
});

describe('the requests that a process asks for', () => {
  it('a process asks for what it has spent and a twentieth of the limit, or fifty', () => {
    expect(nextOf({ ...NOW, requests: [200, 100] }, LIMITS, 6_000).requests).toBe(600);
    expect(nextOf(NOW, { ...LIMITS, requests: 100 }, 6_000).requests).toBe(50);
  });

  it('a process asks for the time that all requests in flight may take twice until it renews its share', () => {
    expect(nextOf({ ...NOW, executionTime: [1_000, 500] }, LIMITS, 6_000).executionTime).toBe(97_500);
  });
});
