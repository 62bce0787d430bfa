import { afterEach, expect, it, vi } from 'vitest';
import { openPool, transaction } from '../../src/mirror/connection/postgres.ts';
import { freshDatabase } from '../support/database.ts';
import { silent } from '../support/mirror.ts';

/** Milliseconds after an abort at which a statement is cancelled. */
const GRACE = 10_000;

/** A promise, and what fulfils it. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

function quickTime(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
}

afterEach(() => {
  vi.useRealTimers();
});

it('a cancel that comes late does not hit the next statement of the same backend', async () => {
  await using database = await freshDatabase();
  const pool = openPool({ url: database.url, connections: 2, idleInTransaction: 60_000 }, silent);
  const [told, other] = [await pool.connect(), await pool.connect()];
  told.release();
  quickTime();
  const aborted = new AbortController();
  const [begun, work] = [gate(), gate()];
  const first = transaction(
    pool,
    async () => {
      begun.open();
      await work.opened;
    },
    aborted.signal,
  );
  await begun.opened;
  aborted.abort();
  await vi.advanceTimersByTimeAsync(GRACE - 1);
  const next = transaction(pool, async (client) => client.query('SELECT pg_sleep(0.5)'));
  await vi.advanceTimersByTimeAsync(1);
  work.open();
  await first;
  // A cancel that had waited for a connection of the pool would have this one now.
  other.release();
  expect((await next).rowCount).toBe(1);
  await pool.end();
});

it('a statement that goes on after an abort is cancelled, although the pool has no connection left', async () => {
  await using database = await freshDatabase();
  const pool = openPool({ url: database.url, connections: 1, idleInTransaction: 60_000 }, silent);
  (await pool.connect()).release();
  quickTime();
  const aborted = new AbortController();
  const begun = gate();
  const work = transaction(
    pool,
    async (client) => {
      const slept = client.query('SELECT pg_sleep(3)');
      begun.open();
      await slept;
    },
    aborted.signal,
  );
  const ended = work.catch((error: unknown) => error);
  await begun.opened;
  aborted.abort();
  await vi.advanceTimersByTimeAsync(GRACE);
  expect(await ended).toMatchObject({ details: { sqlstate: '57014' } });
  await pool.end();
});
