import { expect, test } from 'vitest';
import { ConfigError, describeProblem } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { keysOf, load, problemsOf } from './config-directory.ts';

const FILE = `
dataverse: { url: https://file.example }
postgres: { url: postgres://file, schema: file, stateSchema: file_state }
schedule: '1 * * * *'
deletes: hard
lease: 10s
limits: { requestsPer5Minutes: 1, concurrency: 1, pageSize: 1, pageBytes: 1MiB, memory: 1GiB, tables: 1, requestTimeout: 1s }
sweep: { maxShare: 0.1 }
health: { port: 1 }
tables:
  - name: account
    schedule: '2 * * * *'
    deletes: hard
  - fromfile
`;

const EVERY = { include: ['*'], exclude: [], hash: [] };

test('every variable wins over the file', () => {
  const config = load(FILE, {
    DATAVERSE_URL: 'https://variable.example',
    MIRRORVERSE_AUTH: 'azure-cli',
    DATABASE_URL: 'embedded',
    MIRRORVERSE_SCHEMA: 'variable',
    MIRRORVERSE_STATE_SCHEMA: 'variable_state',
    MIRRORVERSE_SCHEDULE: '3 * * * *',
    MIRRORVERSE_DELETES: 'soft',
    MIRRORVERSE_LEASE: '20s',
    MIRRORVERSE_REQUESTS_PER_5_MINUTES: '2',
    MIRRORVERSE_CONCURRENCY: '2',
    MIRRORVERSE_PAGE_SIZE: '2',
    MIRRORVERSE_PAGE_BYTES: '2MiB',
    MIRRORVERSE_MEMORY: '2GiB',
    MIRRORVERSE_TABLES_AT_ONCE: '2',
    MIRRORVERSE_REQUEST_TIMEOUT: '2s',
    MIRRORVERSE_SWEEP_MAX_SHARE: '0.2',
    MIRRORVERSE_HEALTH_PORT: '2',
    MIRRORVERSE_HEALTH_HOST: '0.0.0.0',
    MIRRORVERSE_TABLES: 'contact',
  });
  expect(config).toMatchObject({
    dataverse: { url: 'https://variable.example', signIn: { method: 'azure-cli' } },
    postgres: { url: 'embedded' },
    schema: 'variable',
    stateSchema: 'variable_state',
    lease: 20_000,
    limits: {
      requestsPer5Minutes: 2,
      concurrency: 2,
      pageSize: 2,
      pageBytes: 2_097_152,
      memory: 2_147_483_648,
      tables: 2,
      requestTimeout: 2_000,
    },
    sweep: { maxShare: 0.2, atLeast: 1_000 },
    health: { host: '0.0.0.0', port: 2 },
    tables: [
      {
        name: 'contact',
        schedule: '3 * * * *',
        mode: 'changes',
        columns: EVERY,
        softDeletes: true,
        indexesLookups: false,
        feed: 'off',
      },
    ],
  });
});

test('a table that the variable names keeps its settings from the file', () => {
  const { tables } = load(FILE, { MIRRORVERSE_TABLES: ' contact , account,', MIRRORVERSE_DELETES: 'soft' });
  expect(tables).toEqual([
    {
      name: 'contact',
      schedule: '1 * * * *',
      mode: 'changes',
      columns: EVERY,
      softDeletes: true,
      indexesLookups: false,
      feed: 'off',
    },
    {
      name: 'account',
      schedule: '2 * * * *',
      mode: 'changes',
      columns: EVERY,
      softDeletes: false,
      indexesLookups: false,
      feed: 'off',
    },
  ]);
});

test('an empty variable counts as not set', () => {
  const config = load(FILE, { DATAVERSE_URL: '', MIRRORVERSE_TABLES: '', MIRRORVERSE_PAGE_SIZE: '' });
  expect(config).toMatchObject({ dataverse: { url: 'https://file.example' }, limits: { pageSize: 1 } });
  expect(config.tables).toHaveLength(2);
});

test.each([
  ['MIRRORVERSE_CONCURRENCY', 'many', 'limits.concurrency'],
  ['MIRRORVERSE_CONCURRENCY', '0', 'limits.concurrency'],
  ['MIRRORVERSE_PAGE_SIZE', '-1', 'limits.pageSize'],
  ['MIRRORVERSE_REQUESTS_PER_5_MINUTES', '1e3', 'limits.requestsPer5Minutes'],
  ['MIRRORVERSE_HEALTH_PORT', '99999', 'health.port'],
  ['MIRRORVERSE_HEALTH_HOST', 'http://here:80', 'health.host'],
  ['MIRRORVERSE_AUTH', 'password', 'dataverse.auth'],
  ['MIRRORVERSE_SCHEDULE', 'hourly', 'schedule'],
  ['DATAVERSE_URL', 'http://contoso.crm.dynamics.com', 'dataverse.url'],
])('a wrong %s of %s is reported by the name of the variable', (variable, value, key) => {
  expect(keysOf(problemsOf('', { [variable]: value }))).toEqual([`${variable} (${key})`]);
});

test('a wrong DATABASE_URL is reported by the name of the variable, without the password in it', () => {
  const [problem, ...others] = problemsOf('', { DATABASE_URL: 'mysql://user:secret@db' });
  expect(others).toEqual([]);
  expect(`${problem?.key} ${problem?.message}`).toContain('DATABASE_URL');
  expect(`${problem?.key} ${problem?.message}`).not.toContain('secret');
});

test('an unknown form of the log is reported', () => {
  const problems = problemsOf('', { MIRRORVERSE_LOG_FORMAT: 'xml' });
  expect(problems.map(describeProblem)).toEqual(['MIRRORVERSE_LOG_FORMAT: must be one of json, pretty']);
  for (const format of ['', 'json', 'pretty']) load('', { MIRRORVERSE_LOG_FORMAT: format });
});

test('an unknown log level is reported', () => {
  const problems = problemsOf('', { MIRRORVERSE_LOG_LEVEL: 'loud' });
  expect(problems.map(({ key, message }) => `${key} ${message}`)).toEqual([
    'MIRRORVERSE_LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent',
  ]);
  for (const level of ['', 'debug']) load('', { MIRRORVERSE_LOG_LEVEL: level });
});

function refusedKeys(file: string | undefined, variables: Record<string, string>): string[] {
  try {
    loadConfig(file, {}, variables);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return keysOf(error.problems);
  }
}

test('a file that is not there is reported by the setting that named it', () => {
  const missing = '/nowhere/mirrorverse.yaml';
  expect(refusedKeys(undefined, { MIRRORVERSE_CONFIG: missing })).toEqual(['MIRRORVERSE_CONFIG']);
  expect(refusedKeys(missing, {})).toEqual(['--config']);
});
