import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { releaseLease, renewLeases, takeLease, type Lease } from '../../src/mirror/lease/leases.ts';
import { holdFence } from '../../src/mirror/state/checkpoints.ts';
import { transaction } from '../../src/mirror/connection/postgres.ts';
import type { Mirror } from '../../src/mirror/mirror.ts';
import { holdLease } from '../../src/sync/lease/held-lease.ts';
import { LeaseKeeper } from '../../src/sync/lease/lease-keeper.ts';
import { waitForLease } from '../../src/sync/lease/lease-wait.ts';
import { RequestCounts } from '../../src/dataverse/http/request-counts.ts';
import { never, silent, testMirror } from '../support/mirror.ts';

const LEASE = 400;

describe('a lease', () => {
  it('a lease is held by one process until it is given back', async () => {
    await using test = await testMirror(30_000);
    const { store } = test.mirror;
    const first = await takeLease(store, 'account', 'first', 30_000);
    expect(await takeLease(store, 'account', 'second', 30_000)).toBeNull();
    if (first === null) throw new Error('not taken');
    await releaseLease(store, first.lease);
    const second = await takeLease(store, 'account', 'second', 30_000);
    expect(second?.lease.fence).toBe(first.lease.fence + 1n);
  });

  it('the lease of a killed process is taken over when its time is up, and not before', async () => {
    await using test = await testMirror(LEASE);
    const { store } = test.mirror;
    await takeLease(store, 'account', 'killed', LEASE);
    const begun = performance.now();
    const taken = await waitForLease(test.mirror, 'account', 'successor', never);
    expect(performance.now() - begun).toBeGreaterThan(LEASE * 0.8);
    expect(taken.lease.fence).toBe(2n);
  });

  it('a lease that is renewed stays with its process, however long', async () => {
    await using test = await testMirror(LEASE);
    const { store } = test.mirror;
    const living = await takeLease(store, 'account', 'living', LEASE);
    if (living === null) throw new Error('not taken');
    for (let beat = 0; beat < 6; beat++) {
      await delay(LEASE / 3);
      await renewLeases(store, [living.lease], LEASE);
      expect(await takeLease(store, 'account', 'second', LEASE)).toBeNull();
    }
    await expect(waitFor(test.mirror, living.lease)).rejects.toMatchObject({
      code: 'lease-held',
      reaction: 'retry',
    });
  });

  it('work of a process waits for other work of it that has the lease, and does not take the lease from it', async () => {
    await using test = await testMirror(LEASE);
    const leases = new LeaseKeeper(test.mirror, 'one', silent);
    const parts = { mirror: test.mirror, leases, logger: silent, requestCounts: new RequestCounts() };
    const first = await holdLease(parts, 'account', never);
    const stopped = new AbortController();
    const impatient = holdLease(parts, 'account', stopped.signal);
    stopped.abort(new Error('stopped'));
    await expect(impatient).rejects.toThrow('stopped');
    const second = holdLease(parts, 'account', never);
    expect(await Promise.race([second, delay(50, 'waits')])).toBe('waits');
    await first.giveBack();
    const held = await second;
    expect(held.taken.lease.fence).toBe(first.taken.lease.fence + 1n);
    // A load has the lease for hours.
    await expect(holdLease(parts, 'account', never)).rejects.toMatchObject({ code: 'lease-held' });
    await held.giveBack();
    await (await holdLease(parts, 'account', never)).giveBack();
  });

  it('a lease cannot be taken while a page of its holder is being stored, even when its time is up', async () => {
    await using test = await testMirror(LEASE);
    const { store, pool } = test.mirror;
    const held = await takeLease(store, 'account', 'slow', 1);
    if (held === null) throw new Error('not taken');
    await transaction(pool, async (client) => {
      await holdFence(store, client, held.lease);
      await delay(50);
      expect(await takeLease(store, 'account', 'second', LEASE)).toBeNull();
    });
    expect(await takeLease(store, 'account', 'second', LEASE)).not.toBeNull();
  });

  it('a lease that could not be given back may be taken again by the process that has it', async () => {
    await using test = await testMirror(30_000);
    const first = await takeLease(test.mirror.store, 'account', 'we', 30_000);
    const second = await takeLease(test.mirror.store, 'account', 'we', 30_000);
    expect(second?.lease.fence).toBe((first?.lease.fence ?? 0n) + 1n);
  });

  it('a lease is taken by exactly one of many processes at once', async () => {
    await using test = await testMirror(30_000);
    const { store } = test.mirror;
    const takers = Array.from({ length: 20 }, async (_, at) =>
      takeLease(store, 'account', `taker ${at}`, 30_000),
    );
    const taken = (await Promise.all(takers)).filter((result) => result !== null);
    expect(taken).toHaveLength(1);
  });
});

/** Waits as a second process while the holder renews its lease. The last renewal has ended when this returns. */
async function waitFor(mirror: Mirror, lease: Lease): Promise<unknown> {
  const over = new AbortController();
  const keeper = keepRenewing(mirror, lease, over.signal);
  try {
    return await waitForLease(mirror, 'account', 'second', never);
  } finally {
    over.abort();
    await keeper;
  }
}

async function keepRenewing(mirror: Mirror, lease: Lease, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await renewLeases(mirror.store, [lease], LEASE);
    await delay(LEASE / 4);
  }
}
