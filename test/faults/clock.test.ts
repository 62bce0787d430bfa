import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openBench, type Bench } from '../support/bench.ts';
import { eventually, isWarning, logLines, type Environment } from '../support/command-line.ts';
import { FailpointProcess } from '../support/failpoint-process.ts';
import { isMirrored } from '../support/oracle.ts';
import { mirrorEnvironment } from '../support/mirror-environment.ts';

const HOUR = 3_600_000;
const EVERY_SECOND = { MIRRORVERSE_SCHEDULE: '* * * * * *', MIRRORVERSE_LEASE: '4s' };

/** A clock that is wrong by so many milliseconds, and by `jump` more once SIGUSR2 has come. */
function clock(offset: number, jump = 0): Environment {
  return {
    NODE_OPTIONS: `--import ${join(import.meta.dirname, '..', 'support', 'shifted-clock.ts')}`,
    CLOCK_OFFSET: String(offset),
    CLOCK_JUMP: String(jump),
  };
}

async function equal({ emulator, database }: Bench): Promise<boolean> {
  return isMirrored(emulator.store, database, ['account']);
}

it('two daemons whose clocks are four hours apart take no lease from each other', async () => {
  await using bench = await openBench(['account'], EVERY_SECOND);
  const { emulator, cli, database } = bench;
  const ids = emulator.store.seed('account', 20);
  const daemons = [cli.start(['run'], clock(2 * HOUR)), cli.start(['run'], clock(-2 * HOUR))];
  await eventually(async () => equal(bench));
  for (const id of ids) {
    emulator.store.update('account', id, { name: 'changed' });
    await delay(150);
  }
  await eventually(async () => equal(bench));
  for (const daemon of daemons) {
    const { status, stderr } = await daemon.stop('SIGTERM');
    expect(status).toBe(0);
    expect(logLines(stderr).filter(isWarning)).toEqual([]);
  }
  const wrong = `SELECT FROM mirrorverse.tables WHERE last_success_at > now() OR lease_holder IS NOT NULL
    UNION ALL SELECT FROM mirrorverse.runs WHERE started_at > finished_at OR started_at < now() - interval '1 hour'`;
  expect(await database.query(wrong)).toEqual([]);
});

it.each([
  ['back', -2 * HOUR],
  ['forward', 2 * HOUR],
])('a daemon whose clock is set %s by two hours goes on with its schedule', async (_, jump) => {
  await using bench = await openBench(['account'], EVERY_SECOND);
  const { emulator, cli } = bench;
  emulator.store.seed('account', 5);
  const daemon = cli.start(['run'], clock(0, jump));
  await eventually(async () => equal(bench));
  daemon.child.kill('SIGUSR2');
  emulator.store.seed('account', 5);
  await eventually(async () => equal(bench));
  const before = bench.emulator.requests.count({ kind: 'delta' });
  await delay(3_000);
  // Ticks that were left out are made up for by one, not by thousands.
  expect(bench.emulator.requests.count({ kind: 'delta' }) - before).toBeLessThanOrEqual(6);
  // The run under way at the jump is over: this takes one that began after it.
  emulator.store.seed('account', 5);
  await eventually(async () => equal(bench));
  const { status, stderr } = await daemon.stop('SIGTERM');
  expect(status).toBe(0);
  expect(logLines(stderr).filter(isWarning)).toEqual([]);
});

it.concurrent('a daemon whose clock is set back while it pauses is ready once the pause is over', async () => {
  await using bench = await openBench(['account'], { ...EVERY_SECOND, MIRRORVERSE_HEALTH_PORT: '0' });
  const { emulator, cli } = bench;
  const daemon = cli.start(['run'], clock(0, -2 * HOUR));
  const { port } = await daemon.logged((line) => line['port'] !== undefined);
  const ready = async (): Promise<number> => (await fetch(`http://127.0.0.1:${String(port)}/readyz`)).status;
  await eventually(async () => equal(bench));
  const throttled = { status: 429, code: '0x80072322', retryAfter: 11 };
  emulator.faults.add({ match: { kind: 'delta' }, times: 1, do: throttled });
  await eventually(async () => (await ready()) === 503);
  daemon.child.kill('SIGUSR2');
  await eventually(async () => (await ready()) === 200);
  expect(emulator.requests.count({ status: 429 })).toBe(1);
});

it.concurrent('a daemon whose event loop was blocked says so, does not take its leases for lost, and goes on', async () => {
  await using bench = await openBench([]);
  const { emulator } = bench;
  emulator.store.seed('account', 5);
  const environment = mirrorEnvironment(bench, ['account'], { MIRRORVERSE_SCHEDULE: '* * * * * *' });
  const block = { kind: 'block', milliseconds: 7_000 } as const;
  await using daemon = FailpointProcess.start(['run'], environment, block);
  expect(await daemon.standing()).toBe(true);
  const told = await daemon.logged(isWarning);
  expect(told).toMatchObject({
    msg: expect.stringMatching(/^The process stood still for \d+ s\.$/) as string,
  });
  emulator.store.seed('account', 5);
  await eventually(async () => equal(bench));
  const { status, stderr } = await daemon.stop('SIGTERM');
  expect(status).toBe(0);
  expect(logLines(stderr).filter(({ code }) => code !== undefined)).toEqual([]);
});
