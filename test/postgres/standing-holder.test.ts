import { setTimeout as delay } from 'node:timers/promises';
import { finished } from 'node:stream/promises';
import { from as copyFrom } from 'pg-copy-streams';
import { Pool } from 'pg';
import { expect, it } from 'vitest';
import type { Mirror } from '../../src/mirror/mirror.ts';
import { holdFence } from '../../src/mirror/state/checkpoints.ts';
import { takeLease, type Lease } from '../../src/mirror/lease/leases.ts';
import { untilAborted } from '../../src/timing/sleep.ts';
import { stillStanding, waitForLease } from '../../src/sync/lease/lease-wait.ts';
import { never, testMirror, type TestMirror } from '../support/mirror.ts';

const LEASE = 600;
const LINE = Buffer.from(`${'x'.repeat(100)}\n`);

async function leaseOf(mirror: Mirror): Promise<Lease> {
  const taken = await takeLease(mirror.store, 'account', 'holder', LEASE);
  if (taken === null) throw new Error('not taken');
  await mirror.pool.query('CREATE TABLE IF NOT EXISTS mirrorverse.loaded (line text)');
  return taken.lease;
}

/** A page whose COPY takes as long as `pieces` do, on a connection that nothing watches. */
async function copying(
  { mirror, database }: TestMirror,
  lease: Lease,
  pieces: AsyncIterable<Buffer>,
): Promise<void> {
  // Of the daemon's role: it may not end the sessions of others.
  const pool = new Pool({ connectionString: database.url, max: 1 });
  const client = await pool.connect();
  client.on('error', () => undefined);
  try {
    await client.query('BEGIN');
    await holdFence(mirror.store, client, lease);
    const stream = client.query(copyFrom('COPY mirrorverse.loaded FROM STDIN'));
    const over = finished(stream);
    over.catch(() => undefined);
    for await (const piece of pieces) stream.write(piece);
    stream.end();
    await over;
    await client.query('COMMIT');
  } finally {
    client.release(true);
    await pool.end();
  }
}

async function* slowly(milliseconds: number): AsyncIterable<Buffer> {
  const end = performance.now() + milliseconds;
  while (performance.now() < end) {
    yield LINE;
    await delay(LEASE / 6);
  }
}

/** A piece, and nothing more before the signal. */
async function* halting(signal: AbortSignal): AsyncIterable<Buffer> {
  yield LINE;
  await untilAborted(signal);
}

it('a lease is taken from a holder that stands still inside a COPY, whose page is rolled back', async () => {
  await using test = await testMirror(LEASE);
  const lease = await leaseOf(test.mirror);
  const goOn = new AbortController();
  const standing = copying(test, lease, halting(goOn.signal));
  standing.catch(() => undefined);
  const taken = await waitForLease(test.mirror, 'account', 'successor', never);
  expect(taken.lease.fence).toBe(lease.fence + 1n);
  goOn.abort();
  await expect(standing).rejects.toMatchObject({ code: '57P01' });
  expect(await test.database.query('SELECT FROM mirrorverse.loaded')).toEqual([]);
});

it('a COPY that is slow but moves is never ended, however long its lease is over', async () => {
  await using test = await testMirror(LEASE);
  const { mirror } = test;
  const lease = await leaseOf(mirror);
  let over = false;
  const slow = copying(test, lease, slowly(8 * LEASE)).finally(() => (over = true));
  await delay(100);
  for (let wait = 0; wait < 3; wait++) {
    await expect(waitForLease(mirror, 'account', 'successor', never)).rejects.toMatchObject({
      code: 'lease-held',
    });
    expect(over).toBe(false);
  }
  await slow;
  expect((await test.database.query('SELECT FROM mirrorverse.loaded')).length).toBeGreaterThan(10);
});

it('a session counts as standing still from the first look for as long as each look finds the same', () => {
  const session = { pid: 1, sign: 'a' };
  const first = stillStanding(undefined, session, 10);
  const second = stillStanding(first, { ...session }, 20);
  expect(second).toEqual({ session, since: 10, looks: 2 });
  expect(stillStanding(second, { pid: 1, sign: 'b' }, 30)?.since).toBe(30);
  expect(stillStanding(second, { pid: 2, sign: 'a' }, 30)?.since).toBe(30);
  expect(stillStanding(second, undefined, 30)).toBeUndefined();
});
