import { describe, expect, it } from 'vitest';
import { openBench, type Bench } from '../support/bench.ts';
import { CERTIFICATE, openTokenAuthority } from '../support/token-authority.ts';
import { eventually, logLines, type Environment, type RunningCommand } from '../support/command-line.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { QUICK_TIME } from '../support/in-quick-time.ts';

const EVERY_SECOND = { MIRRORVERSE_SCHEDULE: '* * * * * *', MIRRORVERSE_HEALTH_PORT: '0' };

const TEXT = expect.stringMatching(/./) as string;

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

type Get = (path: string) => Promise<Answer>;

async function portOf(daemon: RunningCommand): Promise<string> {
  const { port } = await daemon.logged(({ msg }) => msg === 'Answering health checks.');
  return String(port);
}

/** What the daemon's health port answers. */
async function ask(daemon: RunningCommand): Promise<Get> {
  const port = await portOf(daemon);
  return async (path) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
}

/** Polls until the daemon is (not) ready for the reason, and that it counts as alive all the while. */
async function untilReady(get: Get, code?: string): Promise<Answer> {
  let ready: Answer | undefined;
  await eventually(async () => {
    expect(await get('/healthz')).toEqual({ status: 200, body: { alive: true } });
    ready = await get('/readyz');
    return ready.body['code'] === code && ready.status === (code === undefined ? 200 : 503);
  }, 90_000);
  return ready as Answer;
}

/** A daemon of many waits, at an environment and a database that can be taken from it. */
async function started(
  bench: Bench,
  environment: Environment,
): Promise<{ daemon: RunningCommand; get: Get }> {
  const daemon = bench.cli.start(['run'], { ...QUICK_TIME, ...environment });
  return { daemon, get: await ask(daemon) };
}

async function cut(proxy: FaultProxy): Promise<void> {
  await proxy.refuse();
  proxy.reset();
}

// They wait more than they work.
describe.concurrent('the health port', () => {
  it('the health port names what cannot be reached, sign-in, environment or database, at the start and later, and is ready when all can', async () => {
    await using bench = await openBench(['account'], { ...EVERY_SECOND, DATAVERSE_ACCESS_TOKEN: '' });
    await using authority = await openTokenAuthority(bench.url);
    await using signIn = await FaultProxy.between(authority.url);
    await using source = await FaultProxy.between(bench.url);
    await using database = await FaultProxy.between(bench.database.url);
    const { emulator } = bench;
    for (const proxy of [signIn, source, database]) await proxy.refuse();
    const { daemon, get } = await started(bench, {
      AZURE_AUTHORITY_HOST: `https://localhost:${signIn.port}`,
      AZURE_TENANT_ID: emulator.settings.tenantId,
      AZURE_CLIENT_ID: '9f0c2e58-5a39-4c38-b1a5-1f7f5a3c1d11',
      AZURE_CLIENT_SECRET: emulator.settings.clientSecret,
      NODE_EXTRA_CA_CERTS: CERTIFICATE,
      DATAVERSE_URL: source.url(bench.url),
      DATABASE_URL: database.url(bench.database.url),
    });
    await untilReady(get, 'sign-in-unreachable');
    await signIn.restore();
    await untilReady(get, 'source-unavailable');
    await source.restore();
    await untilReady(get, 'database-unreachable');
    await database.restore();
    await untilReady(get);

    await cut(database);
    const { body } = await untilReady(get, 'database-unreachable');
    expect(body).toMatchObject({ ready: false, message: TEXT, remedy: TEXT });
    expect(Date.parse(String(body['since']))).toBeGreaterThan(Date.now() - 60_000);
    const silent = await get('/status');
    expect(silent).toMatchObject({ status: 503, body: { error: { code: 'database-unreachable' } } });
    await database.restore();
    await untilReady(get);

    await cut(source);
    await untilReady(get, 'source-unavailable');
    // The database tells how things stand all the while.
    expect(await get('/status')).toMatchObject({
      status: 200,
      body: {
        tables: [{ table: 'account', error: { code: 'source-unavailable' } }],
        process: { ready: false },
      },
    });
    await source.restore();
    await untilReady(get);

    await cut(signIn);
    emulator.settings.revokeTokens();
    await untilReady(get, 'sign-in-unreachable');
    await signIn.restore();
    await untilReady(get);

    const { status, stderr } = await daemon.stop('SIGTERM');
    expect(status).toBe(0);
    const over = logLines(stderr).filter(({ msg }) => msg.startsWith('Over after'));
    expect(over.map(({ code }) => code)).toEqual(
      expect.arrayContaining(['database-unreachable', 'source-unavailable', 'sign-in-unreachable']),
    );
  }, 180_000);

  it('the health port names a long throttle, outlives a standstill, says at once that it stops, and does not call dead schedules alive', async () => {
    await using bench = await openBench(['account'], EVERY_SECOND);
    const { emulator, database } = bench;
    const [first = ''] = emulator.store.seed('account', 1);
    const { daemon, get } = await started(bench, {});
    await untilReady(get);
    emulator.faults.add({ times: 1, do: { status: 429, code: '0x80072322', retryAfter: 40 } });
    await untilReady(get, 'throttled');
    const { body } = await get('/status');
    expect(body).toMatchObject({
      budget: { limit: 6_000, throttledUntil: expect.any(String) as string },
      tables: [{ table: 'account', phase: 'new', paused: null }],
      process: { ready: false, code: 'throttled', budget: { throttled: 1 } },
    });
    daemon.child.kill('SIGSTOP');
    const url = `http://127.0.0.1:${await portOf(daemon)}/healthz`;
    await expect(fetch(url, { signal: AbortSignal.timeout(2_000) })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    daemon.child.kill('SIGCONT');
    await eventually(async () => (await get('/readyz')).status === 200, 90_000);
    const rows = 'SELECT FROM dataverse.account';
    await eventually(async () => (await database.query(rows).catch(() => [])).length === 1);

    const client = await database.pool.connect();
    await client.query('BEGIN');
    await client.query('LOCK TABLE dataverse.account IN ACCESS EXCLUSIVE MODE');
    emulator.store.update('account', first, { name: 'under way' });
    const waiting = `SELECT FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'mirrorverse' AND wait_event_type = 'Lock'`;
    await eventually(async () => (await database.query(waiting)).length > 0);
    daemon.child.kill('SIGTERM');
    await untilReady(get, 'stopping');
    expect(daemon.running).toBe(true);
    await client.query('ROLLBACK');
    client.release();
    expect((await daemon.end()).status).toBe(0);

    const dead = await started(bench, {});
    await untilReady(dead.get);
    dead.daemon.child.kill('SIGUSR2');
    await eventually(async () => (await dead.get('/healthz')).status === 503);
    expect(await dead.get('/healthz')).toEqual({ status: 503, body: { alive: false } });
    expect(dead.daemon.running).toBe(true);
  }, 180_000);
});
