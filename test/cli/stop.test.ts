import { describe, expect, it } from 'vitest';
import { eventually, type RunningCommand } from '../support/command-line.ts';
import { QUICK_TIME, QUICKER } from '../support/in-quick-time.ts';
import { openBench, type Bench } from '../support/bench.ts';

const EVERY_SECOND = { MIRRORVERSE_SCHEDULE: '* * * * * *' };
const WAITING = `SELECT pid FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'mirrorverse' AND wait_event_type = 'Lock'`;

/** A daemon whose page waits for a lock that somebody holds, and does not give back for a minute. */
async function blockedDaemon(bench: Bench): Promise<{ daemon: RunningCommand; unlock: () => Promise<void> }> {
  const { emulator, cli, database } = bench;
  const [first = ''] = emulator.store.seed('account', 10);
  const daemon = cli.start(['run']);
  const done = `SELECT FROM mirrorverse.tables WHERE last_success_at IS NOT NULL`;
  await eventually(async () => (await database.query(done).catch(() => [])).length === 1);
  const client = await database.pool.connect();
  await client.query('BEGIN');
  await client.query('LOCK TABLE dataverse.account IN ACCESS EXCLUSIVE MODE');
  emulator.store.update('account', first, { name: 'cannot be stored now' });
  await eventually(async () => (await database.query(WAITING)).length > 0);
  return {
    daemon,
    unlock: async () => {
      await client.query('ROLLBACK');
      client.release();
    },
  };
}

describe('a stop while a page waits for a lock', () => {
  it('a stop while a page waits for a lock rolls the page back, frees the lease and ends with 0 within 30 s', async () => {
    await using bench = await openBench(['account'], { ...EVERY_SECOND, ...QUICK_TIME });
    const { daemon, unlock } = await blockedDaemon(bench);
    const ended = await daemon.stop('SIGTERM');
    await unlock();
    expect(ended).toMatchObject({ status: 0, signal: null });
    expect(ended.milliseconds).toBeLessThan(30_000 / QUICKER);
    const held = await bench.database.query('SELECT lease_holder AS holder FROM mirrorverse.tables');
    expect(held).toEqual([{ holder: null }]);
  });

  it('a second signal ends the stop at once', async () => {
    const options = { ...EVERY_SECOND, MIRRORVERSE_LEASE: '3s', MIRRORVERSE_HEALTH_PORT: '0' };
    await using bench = await openBench(['account'], options);
    const { daemon, unlock } = await blockedDaemon(bench);
    const { port } = await daemon.logged((line) => line['port'] !== undefined);
    const isReady = async (): Promise<boolean> => (await fetch(`http://127.0.0.1:${String(port)}/readyz`)).ok;
    expect(await isReady()).toBe(true);
    daemon.child.kill('SIGTERM');
    // Two signals that have not been seen yet are one.
    await eventually(async () => !(await isReady()));
    const ended = await daemon.stop('SIGTERM');
    await unlock();
    expect(ended).toMatchObject({ status: 1, signal: null });
    expect(ended.milliseconds).toBeLessThan(2_000);
    // Nothing is lost by it: the next pass stores the page.
    expect((await bench.cli.run(['sync'])).status).toBe(0);
    const stored = `SELECT FROM dataverse.account WHERE name = 'cannot be stored now'`;
    expect(await bench.database.query(stored)).toHaveLength(1);
  });
});
