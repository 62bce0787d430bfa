import { createServer } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { openBench, type Bench } from '../support/bench.ts';
import { eventually, logLines, type RunningCommand } from '../support/command-line.ts';
import { FailpointProcess } from '../support/failpoint-process.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { QUICK_TIME, QUICKER } from '../support/in-quick-time.ts';
import { leftBehind } from '../support/left-behind.ts';
import { differences } from '../support/oracle.ts';
import { mirrorEnvironment } from '../support/mirror-environment.ts';

const EVERY_SECOND = { MIRRORVERSE_SCHEDULE: '* * * * * *' };
/** Milliseconds that a daemon in quick time may take for a stop. */
const LIMIT = 30_000 / QUICKER;
const CHECKPOINT = '^update .*set "phase"';

/** Stops a process and says what it left behind. */
async function stopped(bench: Bench, process: RunningCommand): Promise<Record<string, unknown>> {
  const begun = performance.now();
  process.child.kill('SIGTERM');
  // It gets the signal while it stands.
  if (process instanceof FailpointProcess) process.goOn();
  const { status, signal } = await process.end();
  const milliseconds = performance.now() - begun;
  return {
    status,
    signal,
    inTime: milliseconds < LIMIT,
    ...(await leftBehind(bench.database)),
  };
}

const CLEAN = { status: 0, signal: null, inTime: true, leases: [], sessions: [] };

// They wait more than they work.
describe.concurrent('a stop', () => {
  it('a stop in the middle of a page ends the page, and gives lease and sessions back', async () => {
    await using bench = await openBench([]);
    const { emulator, database } = bench;
    emulator.store.seed('account', 20);
    const environment = mirrorEnvironment(bench, ['account'], EVERY_SECOND);
    const point = { kind: 'after', text: CHECKPOINT, nth: 2 } as const;
    await using daemon = FailpointProcess.start(['run'], { ...environment, ...QUICK_TIME }, point);
    expect(await daemon.standing()).toBe(true);
    expect(await stopped(bench, daemon)).toEqual(CLEAN);
    expect((await bench.cli.run(['sync'], environment)).status).toBe(0);
    expect(await differences(emulator.store, database, 'account')).toEqual([]);
    // What the stopped daemon had stored was not fetched again.
    expect(emulator.requests.count({ kind: 'baseline' })).toBe(1);
  });

  it('a stop does not wait for a sign-in service that never answers', async () => {
    await using bench = await openBench(['account']);
    const silent = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const daemon = bench.cli.start(['run'], {
      ...QUICK_TIME,
      DATAVERSE_ACCESS_TOKEN: '',
      MIRRORVERSE_AUTH: 'client-secret',
      AZURE_TENANT_ID: bench.emulator.settings.tenantId,
      AZURE_CLIENT_ID: '51f81489-12ee-4a9e-aaae-a2591f45987d',
      AZURE_CLIENT_SECRET: 'secret',
      AZURE_AUTHORITY_HOST: `https://127.0.0.1:${port}`,
    });
    await once(silent, 'connection');
    const { status, milliseconds } = await daemon.stop('SIGTERM');
    expect({ status, inTime: milliseconds < LIMIT }).toEqual({ status: 0, inTime: true });
    silent.close();
  });

  it('a stop cancels a commit that hangs in the server, and rolls the page back', async () => {
    await using bench = await openBench(['account'], EVERY_SECOND);
    const { cli, emulator, database } = bench;
    const [id = ''] = emulator.store.seed('account', 5);
    expect((await cli.run(['sync'])).status).toBe(0);
    await database.query(`CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN PERFORM pg_sleep(120); RETURN NULL; END $$`);
    // On a table of mirrorverse's own: triggers of the mirror table act before the COMMIT.
    await database.query(`CREATE CONSTRAINT TRIGGER hang AFTER UPDATE ON dataverse._loads
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hang()`);
    const daemon = cli.start(['run'], QUICK_TIME);
    emulator.store.update('account', id, { name: 'hangs' });
    const committing = `SELECT FROM pg_stat_activity WHERE query = 'COMMIT' AND wait_event = 'PgSleep'`;
    await eventually(async () => (await database.query(committing)).length > 0);
    expect(await stopped(bench, daemon)).toEqual(CLEAN);
    expect(await database.query(`SELECT FROM dataverse.account WHERE name = 'hangs'`)).toEqual([]);
  });

  it('a stop does not wait for a database that went silent', async () => {
    await using bench = await openBench(['account'], { ...EVERY_SECOND, MIRRORVERSE_LEASE: '3s' });
    const { cli, emulator, database } = bench;
    emulator.store.seed('account', 5);
    await using proxy = await FaultProxy.between(database.url);
    const daemon = cli.start(['run'], { ...QUICK_TIME, DATABASE_URL: proxy.url(database.url) });
    await daemon.logged(({ msg }) => msg.startsWith('baseline of account'));
    proxy.blackhole();
    const { status, milliseconds } = await daemon.stop('SIGTERM');
    expect({ status, inTime: milliseconds < LIMIT }).toEqual({ status: 0, inTime: true });
    expect((await cli.run(['sync'])).status).toBe(0);
    expect(await differences(emulator.store, database, 'account')).toEqual([]);
  });

  it('a stop that never comes to its end ends with 1 when its time is over, and says so', async () => {
    await using bench = await openBench([]);
    bench.emulator.store.seed('account', 5);
    const environment = mirrorEnvironment(bench, ['account'], { MIRRORVERSE_LEASE: '3s' });
    const point = { kind: 'hang', text: CHECKPOINT, nth: 2 } as const;
    await using daemon = FailpointProcess.start(
      ['run'],
      { ...environment, ...EVERY_SECOND, ...QUICK_TIME },
      point,
    );
    expect(await daemon.standing()).toBe(true);
    const { status, stderr, milliseconds } = await daemon.stop('SIGTERM');
    expect({ status, inTime: milliseconds < LIMIT }).toEqual({ status: 1, inTime: true });
    expect(logLines(stderr).at(-1)).toMatchObject({ msg: 'The work did not end in time; exiting.' });
    expect((await bench.cli.run(['sync'], environment)).status).toBe(0);
    expect(await differences(bench.emulator.store, bench.database, 'account')).toEqual([]);
  });
});
