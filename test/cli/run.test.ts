import { describe, expect, it } from 'vitest';
import { DataverseEmulator } from '../../src/emulator/dataverse-emulator.ts';
import { CommandLine, eventually, isError, logLines, type RunningCommand } from '../support/command-line.ts';
import type { TestDatabase } from '../support/database.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { leftBehind } from '../support/left-behind.ts';
import { isMirrored } from '../support/oracle.ts';
import { freePort, openBench, type Bench } from '../support/bench.ts';

const API_TOKEN = 'a-token-that-no-log-has';
const EVERY_SECOND = { MIRRORVERSE_SCHEDULE: '* * * * * *' };

async function equal({ emulator, database }: Bench, tables: readonly string[]): Promise<boolean> {
  return isMirrored(emulator.store, database, tables);
}

const CLEAN = { status: 0, signal: null, stdout: '', quick: true, leases: [], sessions: [] };

/** Stops the daemon, and says how that went and what it left behind. */
async function stop(
  daemon: RunningCommand,
  signal: NodeJS.Signals,
  database: TestDatabase,
): Promise<Record<string, unknown>> {
  const { status, signal: killedBy, stdout, stderr, milliseconds } = await daemon.stop(signal);
  logLines(stderr);
  return { status, signal: killedBy, stdout, quick: milliseconds < 5_000, ...(await leftBehind(database)) };
}

describe('the daemon', () => {
  it('the daemon mirrors on its schedule until SIGTERM', async () => {
    await using bench = await openBench(['account', 'contact'], EVERY_SECOND);
    const { emulator, cli, database } = bench;
    const [first = ''] = emulator.store.seed('account', 20);
    emulator.store.seed('contact', 20);
    const daemon = cli.start(['run']);
    await eventually(async () => equal(bench, ['account', 'contact']));
    emulator.store.update('account', first, { name: 'changed while it ran' });
    emulator.store.insert('contact', { firstname: 'new' });
    await eventually(async () => equal(bench, ['account', 'contact']));
    expect(await stop(daemon, 'SIGTERM', database)).toEqual(CLEAN);
  });

  it('the daemon answers health checks and ends by SIGINT', async () => {
    await using bench = await openBench(['account'], {
      ...EVERY_SECOND,
      MIRRORVERSE_HEALTH_PORT: '0',
      MIRRORVERSE_API_TOKEN: API_TOKEN,
    });
    const closed = bench.emulator.faults.add({
      match: { kind: 'whoami' },
      do: { status: 503, retryAfter: 1 },
    });
    const daemon = bench.cli.start(['run']);
    const { port } = await daemon.logged((line) => line['port'] !== undefined);
    const statusOf = async (path: string): Promise<number> =>
      fetch(`http://127.0.0.1:${String(port)}${path}`).then(
        (response) => response.status,
        () => 0,
      );
    expect(await statusOf('/healthz')).toBe(200);
    await eventually(() => closed.hits > 0);
    expect(await statusOf('/readyz')).toBe(503);
    closed.remove();
    await eventually(async () => (await statusOf('/readyz')) === 200);
    expect(await statusOf('/elsewhere')).toBe(404);
    expect(await statusOf('/')).toBe(200);
    const act = async (verb: string, token: string): Promise<unknown> =>
      (
        await fetch(`http://127.0.0.1:${String(port)}/api/v1/tables/account/${verb}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        })
      ).json();
    expect(await act('pause', 'another')).toMatchObject({ code: 'token-refused' });
    expect(await act('pause', API_TOKEN)).toMatchObject({ table: 'account', phase: 'paused', paused: {} });
    expect(await act('resume', API_TOKEN)).toMatchObject({ table: 'account', paused: null });
    const asked = await bench.database.query(
      'SELECT command, asked_via FROM mirrorverse.commands ORDER BY id',
    );
    expect(asked).toEqual([
      { command: 'pause', asked_via: 'http' },
      { command: 'resume', asked_via: 'http' },
    ]);
    expect(await statusOf('/healthz')).toBe(200);

    const second = await bench.cli.run(['run'], { MIRRORVERSE_HEALTH_PORT: String(port) });
    expect(second.status).toBe(1);
    expect(logLines(second.stderr).at(-1)).toMatchObject({
      code: 'port-taken',
      remedy: expect.stringContaining('MIRRORVERSE_HEALTH_PORT') as string,
    });
    expect(await stop(daemon, 'SIGINT', bench.database)).toEqual(CLEAN);
  });

  it('the daemon starts its work once its environment and its database can be reached', async () => {
    const emulatorPort = await freePort();
    await using bench = await openBench(['account'], EVERY_SECOND);
    await using way = await FaultProxy.between(bench.database.url);
    await way.refuse();
    const late = new DataverseEmulator({ seed: 6 });
    late.store.seed('account', 10);
    const daemon = bench.cli.start(['run'], {
      DATAVERSE_URL: `http://127.0.0.1:${emulatorPort}`,
      DATABASE_URL: way.url(bench.database.url),
    });
    await daemon.logged((line) => JSON.stringify(line).includes('ECONNREFUSED'));
    expect(daemon.running).toBe(true);
    await late.listen(emulatorPort);
    await daemon.logged((line) => line['code'] === 'database-unreachable');
    expect(daemon.running).toBe(true);
    await way.restore();
    await eventually(async () => equal({ ...bench, emulator: late }, ['account']));
    expect(await stop(daemon, 'SIGTERM', bench.database)).toEqual(CLEAN);
    await late.close();
  });

  it('the daemon ends by SIGTERM while it waits for its environment', async () => {
    await using cli = await CommandLine.open({
      DATAVERSE_URL: `http://127.0.0.1:${await freePort()}`,
      DATAVERSE_ACCESS_TOKEN: 'emulator-token',
      DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none',
      MIRRORVERSE_TABLES: 'account',
    });
    const daemon = cli.start(['run']);
    await daemon.logged((line) => JSON.stringify(line).includes('ECONNREFUSED'));
    const ended = await daemon.stop('SIGTERM');
    expect(ended).toMatchObject({ status: 0, signal: null });
    expect(ended.milliseconds).toBeLessThan(3_000);
  });

  it('the daemon goes on with the other tables while one fails, and with that table when it is mended', async () => {
    await using bench = await openBench(['account', 'contact', 'lead'], EVERY_SECOND);
    const { emulator, cli, database } = bench;
    for (const table of ['account', 'contact', 'lead']) emulator.store.seed(table, 10);
    emulator.settings.deniedTables.add('contact');
    const daemon = cli.start(['run'], { MIRRORVERSE_HEALTH_PORT: '0' });
    const { port } = await daemon.logged((line) => line['port'] !== undefined);
    const loaded = async (): Promise<Response> => fetch(`http://127.0.0.1:${String(port)}/readyz?loaded`);
    const refused = await daemon.logged((line) => line['code'] === 'privilege-missing');
    expect(refused).toMatchObject({ table: 'contact' });
    await eventually(async () => equal(bench, ['account', 'lead']));
    await eventually(async () => {
      const said = (await (await loaded()).json()) as { code: string; tables?: string[]; remedy: string };
      const isTold = said.remedy.startsWith('contact has failed:') && !said.remedy.includes('Wait');
      return said.code === 'not-loaded' && said.tables?.join(' ') === 'contact' && isTold;
    });

    emulator.store.removeTable('lead');
    const gone = await daemon.logged(
      (line) => line['table'] === 'lead' && line['code'] !== undefined && isError(line),
    );
    expect(gone).toMatchObject({ code: 'table-not-found' });
    expect(await database.query('SELECT FROM dataverse.lead')).toHaveLength(10);

    emulator.settings.deniedTables.delete('contact');
    emulator.store.insert('account', { name: 'still mirrored' });
    await eventually(async () => equal(bench, ['account', 'contact']));
    await eventually(async () => (await loaded()).status === 200);
    const failed = 'SELECT "table", error_code AS code FROM mirrorverse.tables WHERE error_code IS NOT NULL';
    await eventually(async () => (await database.query(failed)).length === 1);
    expect(await database.query(failed)).toEqual([{ table: 'lead', code: 'table-not-found' }]);
    // While it rests a failing table costs nothing.
    expect(emulator.requests.count({ status: 404 })).toBeLessThan(12);
    expect(await stop(daemon, 'SIGTERM', database)).toEqual(CLEAN);
  });
});
