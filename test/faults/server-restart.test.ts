import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { DataverseEmulator } from '../../src/emulator/dataverse-emulator.ts';
import { placeWithOwnPort, queryOnce, until, type ClusterPlace } from '../support/cluster-support.ts';
import { CommandLine, eventually, logLines } from '../support/command-line.ts';
import type { TestDatabase } from '../support/database.ts';
import { mirrorEnvironment } from '../support/mirror-environment.ts';
import { differences, isMirrored } from '../support/oracle.ts';

const TABLE = 'account';

/** As much of a database as the oracle needs, with a connection for each look: the server comes and goes. */
function databaseAt(url: string): Pick<TestDatabase, 'query'> {
  return { query: async (sql, parameters) => queryOnce(url, sql, parameters) };
}

/** Ends the server as a crash would, and starts it again after a while. */
async function restart(place: ClusterPlace, pause: number): Promise<void> {
  const pid = await place.serverPid();
  if (pid === undefined) throw new Error('no server runs');
  process.kill(pid, 'SIGQUIT');
  await until('the server is gone', async () => (await place.serverPid()) === undefined);
  await delay(pause);
  await place.open();
}

async function commandLine(emulator: DataverseEmulator, url: string): Promise<CommandLine> {
  const bench = { url: await emulator.listen(), database: { url } };
  const settings = { MIRRORVERSE_PAGE_SIZE: '50', MIRRORVERSE_SCHEDULE: '* * * * * *' };
  return CommandLine.open(mirrorEnvironment(bench, [TABLE], settings));
}

describe('a PostgreSQL server that goes away', () => {
  it('a PostgreSQL server that goes away and comes back after some seconds does not fail a running sync', async () => {
    await using place = await placeWithOwnPort();
    const { url } = await place.open();
    const emulator = new DataverseEmulator({ seed: 3 });
    emulator.store.seed(TABLE, 2_000);
    emulator.faults.add({ match: { kind: 'next' }, do: { delayMs: 50 } });
    await using cli = await commandLine(emulator, url);
    const sync = cli.start(['sync']);
    await eventually(() => emulator.requests.count({ kind: 'next' }) > 10);
    await restart(place, 2_000);
    const { status, stderr } = await sync.end();
    expect(status).toBe(0);
    const codes = logLines(stderr).flatMap(({ code }) => (typeof code === 'string' ? [code] : []));
    expect(codes.some((code) => code.startsWith('database-un'))).toBe(true);
    expect(await differences(emulator.store, databaseAt(url), TABLE)).toEqual([]);
    await emulator.close();
  });

  it('a PostgreSQL server that goes away or only reads for a while is waited for by the daemon, and nobody has to do anything', async () => {
    await using place = await placeWithOwnPort();
    const { url } = await place.open();
    const emulator = new DataverseEmulator({ seed: 4 });
    const [id = ''] = emulator.store.seed(TABLE, 100);
    await using cli = await commandLine(emulator, url);
    const daemon = cli.start(['run']);
    const database = databaseAt(url);
    const equal = async (): Promise<boolean> => isMirrored(emulator.store, database, [TABLE]);
    await eventually(equal);

    await queryOnce(url, 'ALTER SYSTEM SET default_transaction_read_only = on');
    await queryOnce(url, 'SELECT pg_reload_conf()');
    emulator.store.update(TABLE, id, { name: 'while it only reads' });
    await daemon.logged((line) => line['sqlstate'] === '25006');
    await queryOnce(url, 'ALTER SYSTEM RESET default_transaction_read_only');
    await queryOnce(url, 'SELECT pg_reload_conf()');
    await eventually(equal);

    emulator.store.update(TABLE, id, { name: 'while it is away' });
    await restart(place, 500);
    await eventually(equal);
    emulator.store.update(TABLE, id, { name: 'afterwards' });
    await eventually(equal);
    expect((await daemon.stop('SIGTERM')).status).toBe(0);
    await emulator.close();
  });
});
