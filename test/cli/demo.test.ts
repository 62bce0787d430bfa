import { join } from 'node:path';
import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { readPostmaster } from '../../src/embedded-postgres/server.ts';
import {
  CommandLine,
  eventually,
  isError,
  loggedCodes,
  logLines,
  type LogLine,
} from '../support/command-line.ts';

/** The lines that tell of a table's run. */
function runsIn(stderr: string): LogLine[] {
  const complete = stderr.slice(0, stderr.lastIndexOf('\n') + 1);
  return logLines(complete).filter((line) => typeof line['phase'] === 'string');
}

/** Whether PostgreSQL answers at an address. */
async function answers(connectionString: string): Promise<boolean> {
  const client = new Client({ connectionString });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT FROM dataverse.account LIMIT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** A command line whose bundled PostgreSQL is stopped afterwards, whatever the test did. */
async function demoPlace(): Promise<
  AsyncDisposable & { cli: CommandLine; serverPid(): Promise<number | undefined> }
> {
  const cli = await CommandLine.open();
  const serverPid = async (): Promise<number | undefined> =>
    (await readPostmaster(join(cli.directory, '.mirrorverse', 'postgres')))?.pid;
  return {
    cli,
    serverPid,
    async [Symbol.asyncDispose]() {
      const pid = await serverPid();
      if (pid !== undefined) process.kill(pid, 'SIGQUIT');
      await cli[Symbol.asyncDispose]();
    },
  };
}

describe('demo', () => {
  it('demo mirrors its own organization, stops clean, and goes on from there', async () => {
    await using place = await demoPlace();
    const { cli } = place;
    const first = cli.start(['demo'], {
      DATABASE_URL: 'postgres://of.another/purpose',
      MIRRORVERSE_LOG_LEVEL: 'debug',
    });
    await eventually(() => first.stdout.includes('Query'), 50_000);
    expect(first.stdout).toMatch(/^Dataverse +http:\/\/127\.0\.0\.1:\d+$/m);
    const databaseUrl = /^PostgreSQL +psql (\S+)$/m.exec(first.stdout)?.[1] ?? '';
    expect(await answers(databaseUrl)).toBe(true);
    const firstPhases = new Map(
      runsIn(first.stderr)
        .toReversed()
        .map((line) => [line['table'], line['phase']]),
    );
    expect(new Set(firstPhases.values())).toEqual(new Set(['baseline']));
    // One line on everything, what to look at, an example with its answer, and then what changes.
    await eventually(() => /^\d+ changes? in \d+ tables?: .+; all 10 tables up to date$/m.test(first.stdout));
    expect(first.stdout).toMatch(/^10 tables, 20,\d{3} rows after \d+ s\.$/m);
    expect(first.stdout).toMatch(/\| (High|Normal|Low) +\| \S/);
    const page = /^Page +(http:\S+)$/m.exec(first.stdout)?.[1] ?? '';
    expect((await fetch(new URL('readyz', page))).status).toBe(200);
    await eventually(() => runsIn(first.stderr).some((line) => line['phase'] === 'delta'));

    const stopped = await first.stop('SIGINT');
    expect(stopped).toMatchObject({ status: 0, signal: null });
    expect(stopped.milliseconds).toBeLessThan(15_000);
    expect(await answers(databaseUrl)).toBe(false);
    expect(await place.serverPid()).toBeUndefined();

    const second = cli.start(['demo'], { MIRRORVERSE_LOG_LEVEL: 'debug' });
    await eventually(() => runsIn(second.stderr).length >= 3, 50_000);
    const again = await second.stop('SIGTERM');
    expect(again).toMatchObject({ status: 0, signal: null });
    expect(new Set(runsIn(again.stderr).map((line) => line['phase']))).toEqual(new Set(['delta']));
    expect(logLines(again.stderr).filter(isError)).toEqual([]);
    expect(await place.serverPid()).toBeUndefined();
  }, 120_000);
});

describe('emulator', () => {
  it('emulator serves an organization on a free port until Ctrl-C', async () => {
    await using cli = await CommandLine.open();
    const emulator = cli.start(['emulator', '--port', '0', '--json', '--rows', '200', '--changes', '5']);
    await eventually(() => emulator.stdout.includes('\n'));
    const { url, accessToken } = JSON.parse(emulator.stdout) as { url: string; accessToken: string };
    const headers = { authorization: `Bearer ${accessToken}` };
    const answer = await fetch(`${url}/api/data/v9.2/WhoAmI`, { headers });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ OrganizationId: expect.any(String) as string });

    const settings = { DATAVERSE_URL: url, DATAVERSE_ACCESS_TOKEN: accessToken };
    const { document } = await cli.json(['tables'], settings);
    const { tables } = document as { tables: { table: string; rows: number }[] };
    expect(tables.find(({ table }) => table === 'account')?.rows).toBeGreaterThan(20);

    const { port } = new URL(url);
    const second = await cli.run(['emulator', '--port', port, '--rows', '10']);
    expect(second).toMatchObject({ status: 1, stdout: '' });
    expect(loggedCodes(second.stderr)).toEqual(['port-taken']);

    const stopped = await emulator.stop('SIGINT');
    expect(stopped).toMatchObject({ status: 0, signal: null, stderr: '' });
    expect(stopped.milliseconds).toBeLessThan(5_000);
  });
});
