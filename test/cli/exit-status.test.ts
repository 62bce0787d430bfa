import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CommandLine, logLines } from '../support/command-line.ts';

const COMPLETE = {
  DATAVERSE_URL: 'http://127.0.0.1:9',
  DATAVERSE_ACCESS_TOKEN: 'token',
  DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none',
  MIRRORVERSE_TABLES: 'account,contact',
};

let cli: CommandLine;
beforeAll(async () => {
  cli = await CommandLine.open();
});
afterAll(async () => cli[Symbol.asyncDispose]());

/** Keys of the problems that a command named, without the variable's name before them. */
async function problemsOf(args: readonly string[], environment = {}): Promise<string[]> {
  const { status, stdout, stderr } = await cli.run(args, environment);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  return logLines(stderr).flatMap((line) => (typeof line['key'] === 'string' ? [line['key']] : []));
}

describe('a wrong command line', () => {
  it.concurrent.each([
    ['no command', []],
    ['an unknown command', ['mirror']],
    ['an unknown option', ['sync', '--fast']],
    ['an option without its value', ['sync', '--config']],
    ['stray arguments', ['migrate', 'account']],
    ['a table that is not configured', ['sync', 'account', 'lead']],
    ['a port that is none', ['emulator', '--port', '70000']],
  ])('mirrorverse ends with 2 for %s', async (_, args) => {
    const { status, stderr } = await cli.run(args, COMPLETE);
    expect(status).toBe(2);
    expect(() => logLines(stderr)).not.toThrow();
  });

  it('a wrong command line is explained on standard error', async () => {
    const { stdout, stderr } = await cli.run(['backfill', 'lead', 'task'], COMPLETE);
    expect(stdout).toBe('');
    expect(stderr).toContain('lead, task');
  });

  it('an unknown option is reported in one sentence', async () => {
    const { stderr } = await cli.run(['status', '--josn'], COMPLETE);
    expect(logLines(stderr).map(({ msg }) => msg)).toEqual([
      'status has no option --josn. Did you mean --json? See mirrorverse status --help.',
    ]);
  });
});

describe('help and version', () => {
  it('help is printed on standard output alone and ends with 0', async () => {
    const { status, stdout, stderr } = await cli.run(['help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('Usage: mirrorverse');
  });

  it('--version prints the version of the package', async () => {
    const { status, stdout } = await cli.run(['--version']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\S*\n$/);
  });
});

describe('a wrong configuration', () => {
  it('a wrong configuration ends with 2, and every problem is named at once', async () => {
    const file = await cli.file(
      'wrong.yaml',
      [
        'colour: blue',
        'dataverse: { url: http://contoso.crm.dynamics.com, region: eu }',
        'schedule: every now and then',
        'limits: { concurrency: 0, pageSize: 9000, pageBytes: 64, memory: 1MiB }',
        'sweep: { maxShare: 2, atLeast: -1 }',
        'postgres: { url: postgres://db/crm?sslmode=no-verify }',
        'tables:',
        '  - account',
        '  - { name: contact, deletes: maybe, columns: { only: [fullname] } }',
        '  - account',
      ].join('\n'),
    );
    const keys = await problemsOf(['sync', '--config', file], {
      MIRRORVERSE_AUTH: 'client-secret',
      AZURE_TENANT_ID: 't',
    });
    expect(keys.toSorted()).toEqual(
      [
        'AZURE_CLIENT_ID',
        'AZURE_CLIENT_SECRET',
        'colour',
        'dataverse.region',
        'dataverse.url',
        'limits.concurrency',
        'limits.memory',
        'limits.pageBytes',
        'limits.pageSize',
        'postgres.url',
        'schedule',
        'sweep.atLeast',
        'sweep.maxShare',
        'tables.1.columns.only',
        'tables.1.deletes',
        'tables.2',
      ].toSorted(),
    );
  });

  it('a wrong setting is named by its variable where a variable gives it', async () => {
    const { status, stderr } = await cli.run(['sync'], {
      ...COMPLETE,
      DATAVERSE_URL: 'http://contoso.crm.dynamics.com',
      MIRRORVERSE_SCHEDULE: '61 * * * *',
      MIRRORVERSE_PAGE_SIZE: 'many',
      DATABASE_URL: 'mysql://db/crm',
    });
    const variables = ['DATAVERSE_URL', 'MIRRORVERSE_SCHEDULE', 'MIRRORVERSE_PAGE_SIZE', 'DATABASE_URL'];
    expect(status).toBe(2);
    for (const variable of variables) expect(stderr).toContain(variable);
  });

  it('a folder without a configuration file names the command that writes one, once', async () => {
    const { status, stderr } = await cli.run(['check']);
    expect(status).toBe(2);
    const told = logLines(stderr).map(({ msg }) => msg);
    expect(told.filter((msg) => msg.includes('There is no mirrorverse.yaml in this folder'))).toEqual([
      expect.stringContaining('`mirrorverse init` writes one'),
    ]);
    const complete = await cli.run(['status'], { DATABASE_URL: COMPLETE.DATABASE_URL });
    expect(complete.stderr).not.toContain('mirrorverse.yaml');
    expect(complete.stderr).not.toContain('tries again');
  });

  it('a configuration file that is not there is a wrong configuration', async () => {
    expect(await problemsOf(['sync', '--config', 'missing.yaml'], COMPLETE)).toEqual(['--config']);
    expect(await problemsOf(['status'], { ...COMPLETE, MIRRORVERSE_CONFIG: 'missing.yaml' })).toHaveLength(1);
  });

  it('a configuration file that holds no YAML is a wrong configuration', async () => {
    const file = await cli.file('broken.yaml', 'tables: [account');
    expect(await problemsOf(['check', '--config', file], COMPLETE)).toHaveLength(1);
  });

  it('a message about a wrong configuration never shows a secret', async () => {
    const url = 'mysql://user:canary-password@db/crm';
    const { stderr } = await cli.run(['sync'], { ...COMPLETE, DATABASE_URL: url });
    expect(stderr).not.toContain('canary-password');
  });
});
