import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openBench, type Bench } from '../support/bench.ts';
import { neededProgram } from '../support/needed-program.ts';
import { CTRL_C, DOWN, ENTER, Terminal } from '../support/terminal.ts';

/** The bench's command line without what a set-up finds out. */
const UNKNOWN = { DATAVERSE_URL: '', DATABASE_URL: '', MIRRORVERSE_TABLES: '' };
const PASSWORD = 'canary-of-the-database';

async function files({ cli }: Bench): Promise<string[]> {
  return (await readdir(cli.directory)).filter((name) => name !== '.mirrorverse');
}

async function read({ cli }: Bench, name: string): Promise<string> {
  return readFile(join(cli.directory, name), 'utf8');
}

describe('init --yes', () => {
  it('init --yes writes files without secrets that the other commands then use', async () => {
    await using bench = await openBench([], UNKNOWN);
    const { cli, emulator, database, url } = bench;
    emulator.store.seed('account', 30);
    const address = new URL(database.url);
    address.password = PASSWORD;
    const given = ['--url', url, '--tables', 'account,new_*', '--database', address.href];
    const { status, stdout } = await cli.run(['init', '--yes', ...given]);
    expect(stdout).toContain('Wrote mirrorverse.yaml and .env.example.');
    // The check has the password of the address, although no file has it. It is a wrong one.
    expect({ status, stdout }).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/^FAILED +PostgreSQL/m) as string,
    });
    const written = (await read(bench, 'mirrorverse.yaml')) + (await read(bench, '.env.example'));
    expect(written).not.toContain(PASSWORD);
    expect(written).toContain('DATABASE_URL=postgres');
    expect(written).toContain(':PASSWORD@');
    expect(written).toContain('  - account # about 30 rows\n');
    const synced = await cli.run(['sync', 'account'], { DATABASE_URL: database.url });
    expect(synced.status).toBe(0);
  });

  it('init --yes runs check, and shows the plan of the first run', async () => {
    await using bench = await openBench([], UNKNOWN);
    const { cli, database, url } = bench;
    const { status, stdout } = await cli.run(['init', '--yes', '--url', url], { DATABASE_URL: database.url });
    expect({ status, stdout }).toMatchObject({ status: 0 });
    expect(stdout).toContain('ok      table account: readable by change tracking');
    expect(stdout).toMatch(/^account: create the table with \d+ columns, baseline/m);
    const again = await cli.run(['init', '--yes', '--url', url]);
    expect(again.status).toBe(2);
    expect(again.stderr).toContain('There is mirrorverse.yaml and .env.example already.');
  });

  it('init writes nothing if it cannot ask, if an answer is wrong, or if nobody can sign in', async () => {
    await using bench = await openBench([], UNKNOWN);
    const { cli, url } = bench;
    const calls: [number, string, string[], Record<string, string>?][] = [
      [2, '--yes', []],
      [2, 'needs --url', ['--yes']],
      [2, 'DATAVERSE_URL', ['--yes', '--url', 'contoso']],
      [2, 'MIRRORVERSE_AUTH', ['--yes', '--url', url, '--auth', 'magic']],
      [2, 'Did you mean account?', ['--yes', '--url', url, '--tables', 'Acount']],
      [1, 'sign-in-refused', ['--yes', '--url', url], { DATAVERSE_ACCESS_TOKEN: 'wrong' }],
    ];
    const ended = await Promise.all(
      calls.map(async ([, , args, environment]) => cli.run(['init', ...args], environment)),
    );
    expect(ended.map(({ status }) => status)).toEqual(calls.map(([status]) => status));
    expect(ended.map(({ stderr }) => stderr)).toEqual(
      calls.map(([, said]) => expect.stringContaining(said) as string),
    );
    expect(await files(bench)).toEqual([]);
  });
});

const script = neededProgram('script');

function open({ cli }: Bench): Terminal {
  const command = `${process.execPath} ${join(import.meta.dirname, '../../src/cli/main.ts')} init`;
  return new Terminal(script ?? '', command, cli.directory, { DATAVERSE_ACCESS_TOKEN: 'emulator-token' });
}

describe.skipIf(script === undefined)('init at a terminal', () => {
  it('init asks at a terminal, and what it writes passes check', async () => {
    await using bench = await openBench([], UNKNOWN);
    bench.emulator.store.seed('account', 30);
    await using terminal = open(bench);
    await terminal.answer('How do you sign in?', ENTER);
    await terminal.answer('Address of the environment?', `contoso${ENTER}`);
    await terminal.answer('must be an address', '\u0015');
    await terminal.answer('Address of the environment?', `${bench.url}${ENTER}`);
    await terminal.answer('Which tables?', ENTER);
    await terminal.answer('Where is the PostgreSQL database?', DOWN + ENTER);
    await terminal.answer('Address of the database?', bench.database.url + ENTER);
    expect({ status: await terminal.ended, shown: terminal.shown }).toMatchObject({ status: 0 });
    expect(await files(bench)).toEqual(['.env.example', 'mirrorverse.yaml']);
    expect(await read(bench, 'mirrorverse.yaml')).toContain('- account # about 30 rows');
  });

  it('init leaves nothing behind if it is broken off', async () => {
    await using bench = await openBench([], UNKNOWN);
    await using terminal = open(bench);
    await terminal.answer('How do you sign in?', ENTER);
    await terminal.answer('Address of the environment?', bench.url + ENTER);
    await terminal.answer('Which tables?', CTRL_C);
    expect(await terminal.ended).toBe(1);
    expect(terminal.shown).toContain('Nothing was written.');
    expect(await files(bench)).toEqual([]);
  });
});
