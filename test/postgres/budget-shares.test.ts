import { describe, expect, it } from 'vitest';
import { renewShare, type GrantedShare, type ShareRequest } from '../../src/mirror/lease/budget-shares.ts';
import type { StateStore } from '../../src/mirror/state/store.ts';
import type { TestDatabase } from '../support/database.ts';
import { testMirror } from '../support/mirror.ts';

const ALL = { requests: 600, concurrency: 8, executionTime: 90_000 };
const NOTHING = { requests: 0, concurrency: 0, executionTime: 0 };

/** Renews the share of a process that wants everything, unless told otherwise. */
async function renew(
  store: StateStore,
  process: string,
  request: Partial<ShareRequest> = {},
): Promise<GrantedShare> {
  return renewShare(store, {
    identity: 'identity',
    process,
    group: null,
    weight: 1,
    wanted: ALL,
    limits: ALL,
    spentRequests: [],
    spentTime: [],
    inFlight: 0,
    throttledFor: 0,
    window: 300_000,
    step: 10_000,
    validFor: 60_000,
    ...request,
  });
}

/** Makes all that is on record so much older. */
async function letPass(database: TestDatabase, age: string): Promise<void> {
  await database.query(
    `UPDATE mirrorverse.shares SET renewed_at = renewed_at - interval '${age}', expires_at = expires_at - interval '${age}',
            throttled_until = throttled_until - interval '${age}'`,
  );
}

describe('a share of the budget', () => {
  it('a process alone gets everything, and a second one only what the first gives back', async () => {
    await using test = await testMirror(30_000);
    const { store } = test.mirror;
    expect((await renew(store, 'first')).granted).toEqual(ALL);
    expect((await renew(store, 'second')).granted).toEqual(NOTHING);
    const half = { requests: 300, concurrency: 4, executionTime: 45_000 };
    expect((await renew(store, 'first', { wanted: half })).granted).toEqual(half);
    const second = await renew(store, 'second');
    expect(second.granted).toEqual(half);
    expect(second.processes.map(({ process }) => process).toSorted()).toEqual(['first', 'second']);
  });

  it('a process keeps what it has spent within the window, however small its share became', async () => {
    await using test = await testMirror(30_000);
    const { store } = test.mirror;
    const spent = { spentRequests: [100, 150], spentTime: [10_000], inFlight: 6 };
    await renew(store, 'first', { ...spent, wanted: { requests: 50, concurrency: 2, executionTime: 1_000 } });
    expect((await renew(store, 'second')).granted).toEqual({
      requests: 350,
      concurrency: 2,
      executionTime: 80_000,
    });
  });

  it('requests that a process has spent are free once they have left the window', async () => {
    await using test = await testMirror(30_000);
    const { store } = test.mirror;
    await renew(store, 'first', { wanted: NOTHING, spentRequests: [100, 0, 200], validFor: 3_600_000 });
    const free = async (): Promise<number> => (await renew(store, 'second')).granted.requests;
    expect(await free()).toBe(300);
    // The 200 were begun 20 seconds before, so they leave the window after 280 seconds.
    await letPass(test.database, '270 seconds');
    expect(await free()).toBe(300);
    await letPass(test.database, '15 seconds');
    expect(await free()).toBe(500);
    await letPass(test.database, '20 seconds');
    expect(await free()).toBe(600);
  });

  it('a process that is gone keeps what it may have spent until that has left the window', async () => {
    await using test = await testMirror(30_000);
    const { store } = test.mirror;
    await renew(store, 'gone', { wanted: { ...ALL, requests: 400 }, spentRequests: [100], inFlight: 5 });
    await letPass(test.database, '70 seconds');
    // It may have begun 300 more in the minute in which its share was valid. None of them is in flight for ever.
    expect((await renew(store, 'second')).granted).toMatchObject({ requests: 200, concurrency: 8 });
    await letPass(test.database, '240 seconds');
    expect((await renew(store, 'second')).granted.requests).toBe(300);
    await letPass(test.database, '60 seconds');
    expect((await renew(store, 'second')).granted.requests).toBe(600);
  });

  it('a process that gave its share back leaves only what it has spent', async () => {
    await using test = await testMirror(30_000);
    const { store } = test.mirror;
    await renew(store, 'first');
    await renew(store, 'first', { wanted: NOTHING, validFor: 0, spentRequests: [100] });
    const { granted, processes } = await renew(store, 'second');
    expect(granted).toEqual({ ...ALL, requests: 500 });
    expect(processes).toHaveLength(1);
  });

  it('processes of other identities share nothing', async () => {
    await using test = await testMirror(30_000);
    const { store } = test.mirror;
    await renew(store, 'first');
    expect((await renew(store, 'second', { identity: 'another' })).granted).toEqual(ALL);
  });

  it('processes with different limits keep to the smaller ones', async () => {
    await using test = await testMirror(30_000);
    const { store } = test.mirror;
    await renew(store, 'careful', { wanted: NOTHING, limits: { ...ALL, requests: 60, concurrency: 2 } });
    expect((await renew(store, 'second')).granted).toEqual({ ...ALL, requests: 60, concurrency: 2 });
  });

  it('a wait that one process was told is told to all, and ends by itself', async () => {
    await using test = await testMirror(30_000);
    const { store } = test.mirror;
    await renew(store, 'first', { throttledFor: 40_000 });
    const { throttledFor } = await renew(store, 'second');
    expect(throttledFor).toBeGreaterThan(10_000);
    expect(throttledFor).toBeLessThanOrEqual(40_000);
    await letPass(test.database, '41 seconds');
    expect((await renew(store, 'second')).throttledFor).toBe(0);
  });

  it('many processes that renew at once never get more than the limits together', async () => {
    await using test = await testMirror(30_000);
    const { store } = test.mirror;
    const names = Array.from({ length: 12 }, (_, at) => `p${at}`);
    for (let round = 0; round < 5; round++) {
      const shares = await Promise.all(
        names.map(async (name, at) =>
          renew(store, name, { wanted: { ...ALL, requests: 20 + ((at + round) % 5) * 40 } }),
        ),
      );
      // A share that was given earlier in the round counts until its process renews it.
      const last = await Promise.all(
        names.map(async (name, at) => renew(store, name, { wanted: shares[at]?.granted ?? NOTHING })),
      );
      const sum = last.reduce((total, { granted }) => total + granted.requests, 0);
      expect(sum).toBeLessThanOrEqual(ALL.requests);
      expect(last.reduce((total, { granted }) => total + granted.concurrency, 0)).toBeLessThanOrEqual(8);
    }
  });

  it('each daemon of a group learns which of them live, whoever signs in, and nothing of others', async () => {
    await using test = await testMirror(30_000);
    const { store } = test.mirror;
    await renew(store, 'b', { group: 'tables' });
    await renew(store, 'a', { group: 'tables', identity: 'another' });
    await renew(store, 'command');
    await renew(store, 'c', { group: 'other tables' });
    expect((await renew(store, 'b', { group: 'tables' })).replicas).toEqual(['a', 'b']);
    expect((await renew(store, 'command')).replicas).toEqual([]);
    await letPass(test.database, '61 seconds');
    expect((await renew(store, 'a', { group: 'tables', identity: 'another' })).replicas).toEqual(['a']);
  });
});
