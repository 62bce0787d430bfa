import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CommandLine, eventually } from '../support/command-line.ts';
import { RECORDED_DIRECTORY } from '../support/recorded.ts';

async function definitions(cli: CommandLine, ...names: string[]): Promise<string> {
  const directory = join(cli.directory, 'definitions');
  await mkdir(directory);
  for (const name of names) {
    await copyFile(join(RECORDED_DIRECTORY, `${name}.json.gz`), join(directory, `${name}.json.gz`));
  }
  return directory;
}

describe('emulator --definitions', () => {
  it('emulator --definitions serves the tables of the folder, each with rows', async () => {
    await using cli = await CommandLine.open();
    const directory = await definitions(cli, 'task', 'aaduser.21attrs.approval-dev', 'lead');
    const options = ['--port', '0', '--json', '--rows', '30', '--changes', '50'];
    const emulator = cli.start(['emulator', ...options, '--definitions', directory]);
    await eventually(() => emulator.stdout.includes('\n') || !emulator.running);
    const { url, accessToken } = JSON.parse(emulator.stdout) as { url: string; accessToken: string };
    const settings = { DATAVERSE_URL: url, DATAVERSE_ACCESS_TOKEN: accessToken };
    const { document } = await cli.json(['tables'], settings);
    const { tables } = document as { tables: { table: string; rows: number | null }[] };
    const rows = Object.fromEntries(tables.map((each) => [each.table, each.rows]));
    expect(Object.keys(rows).toSorted()).toEqual(['aaduser', 'lead', 'task']);
    expect([rows['lead'], rows['task']]).not.toContain(0);
    expect(rows['lead']).toEqual(expect.any(Number));
    const virtual = await fetch(`${url}/api/data/v9.2/aadusers?$select=displayname`, {
      headers: { authorization: `Bearer ${accessToken}` },
    });
    expect(await virtual.json()).toMatchObject({ value: { length: 10 } });
    expect(await emulator.stop('SIGINT')).toMatchObject({ status: 0, stderr: '' });
  });

  it('emulator --definitions refuses two definitions of one table and names the files', async () => {
    await using cli = await CommandLine.open();
    const names = ['contact.261attrs.orga660bf8d', 'contact.264attrs.pplatform'];
    const directory = await definitions(cli, ...names);
    const ended = await cli.run(['emulator', '--port', '0', '--definitions', directory]);
    expect(ended).toMatchObject({ status: 2, stdout: '' });
    for (const name of names) expect(ended.stderr).toContain(name);
  });

  it.each([
    ['a folder that is not there', async () => '/nowhere/at/all'],
    ['a folder without definitions', async (cli: CommandLine) => definitions(cli)],
    [
      'a file that is no definition',
      async (cli: CommandLine) => {
        await cli.file('other.json', '{"LogicalName":"thing"}');
        return cli.directory;
      },
    ],
  ])('emulator --definitions refuses %s', async (_, make) => {
    await using cli = await CommandLine.open();
    const ended = await cli.run(['emulator', '--port', '0', '--definitions', await make(cli)]);
    expect(ended).toMatchObject({ status: 2, stdout: '' });
    expect(ended.stderr).toContain('--definitions');
  });
});
