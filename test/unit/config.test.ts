import { expect, test } from 'vitest';
import { keysOf, load, problemsOf } from './config-directory.ts';

const ALL = { dataverse: true, postgres: true, tables: true };
const TOKEN = { DATAVERSE_ACCESS_TOKEN: 't' };

test('an empty file gives the documented defaults', () => {
  expect(load('')).toEqual({
    dataverse: undefined,
    postgres: undefined,
    schema: 'dataverse',
    stateSchema: 'mirrorverse',
    lease: 30_000,
    limits: {
      requestsPer5Minutes: 6_000,
      concurrency: 8,
      pageSize: 5_000,
      pageBytes: 67_108_864,
      memory: 268_435_456,
      tables: 8,
      requestTimeout: 120_000,
    },
    health: { host: '127.0.0.1', port: undefined },
    apiToken: undefined,
    labels: { language: undefined, schema: 'dataverse_labeled' },
    compatibility: { synapseLink: undefined, fivetran: undefined },
    drift: { columnAdded: 'apply', columnRemoved: 'apply', columnRetyped: 'apply' },
    sweep: { maxShare: 0.2, atLeast: 1_000 },
    quarantine: { nul: 'quarantine', maxShare: 0.1 },
    proxy: undefined,
    nudge: {
      host: '127.0.0.1',
      port: undefined,
      url: undefined,
      name: undefined,
      secret: undefined,
      queue: undefined,
    },
    logLevel: 'info',
    verify: { every: 86_400_000, share: 0.05, values: 2_592_000_000, repair: 'report' },
    reload: 'watch',
    hashKey: undefined,
    leftOut: [],
    webhooks: [],
    files: undefined,
    tables: [],
  });
});

test('a whole file is read, and a table overrides what is set for all', () => {
  const config = load(
    `
dataverse: { url: https://contoso.crm.dynamics.com, auth: access-token }
postgres: { url: postgres://mirror@db/crm, schema: crm, stateSchema: crm_state }
schedule: '*/10 * * * *'
deletes: soft
indexes: lookups
lease: 1.5m
limits: { requestsPer5Minutes: 10, concurrency: 2, pageSize: 50, pageBytes: 64KiB, memory: 1.5MiB, tables: 3, requestTimeout: 500ms }
health: { port: 8080, host: '::' }
log: { level: debug }
reload: signal
labels: { language: 1031, schema: false }
compatibility: { synapseLink: dbo }
drift: { columnAdded: ask, columnRetyped: refuse }
quarantine: { nul: replace, maxShare: 0.5 }
sweep: { maxShare: 0.5, atLeast: 10 }
verify: { every: 12h, share: 2.5%, values: false, repair: repair }
tables:
  - account
  - '!new_*'
  - name: contact
    schedule: '*/5 * * * * *'
    mode: snapshot
    columns: { include: ['*', entityimage], exclude: [governmentid], hash: [emailaddress1] }
    deletes: hard
    indexes: none
`,
    { ...TOKEN, MIRRORVERSE_HASH_KEY: 'a key that is long enough' },
    ALL,
  );
  expect(config).toEqual({
    dataverse: { url: 'https://contoso.crm.dynamics.com', signIn: { method: 'access-token', token: 't' } },
    postgres: { url: 'postgres://mirror@db/crm' },
    schema: 'crm',
    stateSchema: 'crm_state',
    lease: 90_000,
    limits: {
      requestsPer5Minutes: 10,
      concurrency: 2,
      pageSize: 50,
      pageBytes: 65_536,
      memory: 1_572_864,
      tables: 3,
      requestTimeout: 500,
    },
    health: { host: '::', port: 8080 },
    apiToken: undefined,
    labels: { language: 1031, schema: undefined },
    compatibility: { synapseLink: 'dbo', fivetran: undefined },
    drift: { columnAdded: 'ask', columnRemoved: 'apply', columnRetyped: 'refuse' },
    sweep: { maxShare: 0.5, atLeast: 10 },
    verify: { every: 43_200_000, share: 0.025, values: undefined, repair: 'repair' },
    quarantine: { nul: 'replace', maxShare: 0.5 },
    proxy: undefined,
    feed: undefined,
    nudge: {
      host: '127.0.0.1',
      port: undefined,
      url: undefined,
      name: undefined,
      secret: undefined,
      queue: undefined,
    },
    logLevel: 'debug',
    reload: 'signal',
    hashKey: 'a key that is long enough',
    leftOut: ['new_*'],
    webhooks: [],
    files: undefined,
    tables: [
      {
        name: 'account',
        schedule: '*/10 * * * *',
        mode: 'changes',
        columns: { include: ['*'], exclude: [], hash: [] },
        softDeletes: true,
        indexesLookups: true,
        feed: 'off',
      },
      {
        name: 'contact',
        schedule: '*/5 * * * * *',
        mode: 'snapshot',
        columns: { include: ['*', 'entityimage'], exclude: ['governmentid'], hash: ['emailaddress1'] },
        softDeletes: false,
        indexesLookups: false,
        feed: 'off',
      },
    ],
  });
});

test('the configuration is frozen to its leaves', () => {
  const config = load('tables: [{ name: a, columns: { exclude: [b] } }]', { DATABASE_URL: 'embedded' });
  for (const part of [
    config,
    config.limits,
    config.postgres,
    config.tables,
    config.tables[0]?.columns.exclude,
  ]) {
    expect(part).toBeDefined();
    expect(Object.isFrozen(part)).toBe(true);
  }
});

test('the settings that a command needs and misses are all reported at once', () => {
  const problems = problemsOf('', {}, ALL);
  expect(keysOf(problems)).toEqual(['dataverse.url', 'postgres.url', 'tables']);
  expect(problems.map(({ message }) => message).join()).toMatch(
    /DATAVERSE_URL.*DATABASE_URL.*MIRRORVERSE_TABLES/,
  );
});

test('a command is not asked for what it does not need', () => {
  expect(keysOf(problemsOf('', {}, { postgres: true }))).toEqual(['postgres.url']);
  expect(load('dataverse: { url: https://o.example, auth: client-secret }').dataverse?.url).toBe(
    'https://o.example',
  );
});

test('mistakes of every kind are reported together', () => {
  const yaml = `
dataverse: { url: 'http://contoso.crm.dynamics.com', auth: client-secret }
schedul: '* * * * *'
limits: { pageSize: 0 }
tables: [account, account]
`;
  expect(keysOf(problemsOf(yaml, { AZURE_TENANT_ID: 't' }, ALL))).toEqual([
    'AZURE_CLIENT_ID',
    'AZURE_CLIENT_SECRET',
    'dataverse.url',
    'limits.pageSize',
    'postgres.url',
    'schedul',
    'tables.1',
  ]);
});

test('every problem is in the message, with its key', () => {
  expect(() => load('tabels: []\nlimits: { pageSize: 9999 }')).toThrow(
    /^tabels: .*\nlimits\.pageSize: |^limits\.pageSize: .*\ntabels: /,
  );
});

test('unknown keys are refused at every level', () => {
  const yaml = `
a: 1
dataverse: { b: 1 }
postgres: { c: 1 }
limits: { d: 1 }
health: { e: 1 }
tables:
  - { name: account, f: 1 }
  - { name: contact, columns: { g: 1 } }
`;
  expect(keysOf(problemsOf(yaml))).toEqual([
    'a',
    'dataverse.b',
    'health.e',
    'limits.d',
    'postgres.c',
    'tables.0.f',
    'tables.1.columns.g',
  ]);
});
