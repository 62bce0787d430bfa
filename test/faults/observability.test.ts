import { describe, expect, it } from 'vitest';
import { openBench, type Bench } from '../cli/bench.ts';
import { eventually, logLines, type RunningCommand } from '../support/command-line.ts';
import { FaultProxy } from '../support/fault-proxy.ts';

const EVERY_SECOND = { MIRRORVERSE_SCHEDULE: '* * * * * *', MIRRORVERSE_HEALTH_PORT: '0' };

const TEXT = expect.stringMatching(/./) as string;

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** What the daemon's health port answers. */
async function ask(daemon: RunningCommand): Promise<(path: string) => Promise<Answer>> {
  const { port } = await daemon.logged(({ msg }) => msg === 'Answering health checks.');
  return async (path) => {
    const answer = await fetch(`http://127.0.0.1:${String(port)}${path}`);
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
}

/** Polls until the daemon is (not) ready for the reason, and that it counts as alive all the while. */
async function untilReady(get: (path: string) => Promise<Answer>, code: string | undefined): Promise<Answer> {
  let ready: Answer | undefined;
  await eventually(async () => {
    expect(await get('/healthz')).toEqual({ status: 200, body: { alive: true } });
    ready = await get('/readyz');
    return ready.body['code'] === code && ready.status === (code === undefined ? 200 : 503);
  }, 60_000);
  return ready as Answer;
}

function started(bench: Bench, environment = {}): RunningCommand {
  return bench.cli.start(['run'], environment);
}

describe('the health port', () => {
  it('names a database that cannot be reached, at the start and later, and is ready again when it can', async () => {
    await using bench = await openBench(['account', 'contact'], EVERY_SECOND);
    await using proxy = await FaultProxy.between(bench.database.url);
    await proxy.refuse();
    const daemon = started(bench, { DATABASE_URL: proxy.url(bench.database.url) });
    const get = await ask(daemon);
    await untilReady(get, 'database-unreachable');
    await proxy.restore();
    await untilReady(get, undefined);
    await proxy.refuse();
    proxy.reset();
    const { body } = await untilReady(get, 'database-unreachable');
    expect(body).toMatchObject({ ready: false, message: TEXT, remedy: TEXT });
    expect(Date.parse(String(body['since']))).toBeGreaterThan(Date.now() - 60_000);
    const status = await get('/status');
    expect(status).toMatchObject({ status: 503, body: { error: { code: 'database-unreachable' } } });
    await proxy.restore();
    await untilReady(get, undefined);
    expect(await get('/status')).toMatchObject({
      status: 200,
      body: { tables: [{ table: 'account' }, { table: 'contact' }], process: { ready: true } },
    });
    const { status: exit, stderr } = await daemon.stop('SIGTERM');
    expect(exit).toBe(0);
    const over = logLines(stderr).filter(({ msg }) => msg.startsWith('Over after'));
    expect(over.map(({ code }) => code)).toContain('database-unreachable');
  }, 120_000);

  it('names a long pause that the environment asked for, and so does status', async () => {
    await using bench = await openBench(['account'], EVERY_SECOND);
    const daemon = started(bench);
    const get = await ask(daemon);
    await untilReady(get, undefined);
    bench.emulator.faults.add({ times: 1, do: { status: 429, code: '0x80072322', retryAfter: 15 } });
    await untilReady(get, 'throttled');
    const { body } = await get('/status');
    expect(body).toMatchObject({
      tables: [{ table: 'account', phase: 'paused', error: { code: 'throttled' } }],
      process: { ready: false, code: 'throttled', budget: { throttled: 1 } },
    });
    await untilReady(get, undefined);
    await eventually(async () => {
      const { tables } = (await get('/status')).body as { tables: { phase: string }[] };
      return tables.every(({ phase }) => phase === 'delta');
    });
    expect((await daemon.stop('SIGTERM')).status).toBe(0);
  }, 120_000);

  it('answers as before after the process stood still', async () => {
    await using bench = await openBench(['account'], EVERY_SECOND);
    const daemon = started(bench);
    const get = await ask(daemon);
    await untilReady(get, undefined);
    daemon.child.kill('SIGSTOP');
    await expect(
      fetch(`http://127.0.0.1:${await portOf(daemon)}/healthz`, { signal: AbortSignal.timeout(6_000) }),
    ).rejects.toMatchObject({ name: 'TimeoutError' });
    daemon.child.kill('SIGCONT');
    await untilReady(get, undefined);
    expect((await daemon.stop('SIGTERM')).status).toBe(0);
  }, 120_000);
});

async function portOf(daemon: RunningCommand): Promise<string> {
  const { port } = await daemon.logged(({ msg }) => msg === 'Answering health checks.');
  return String(port);
}
