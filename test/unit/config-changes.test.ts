import { expect, test } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { configChanges } from '../../src/config/reload/config-changes.ts';
import { load, written } from './config-directory.ts';

const FILE = `
dataverse: { url: https://contoso.example }
tables: [account]
`;
const SECRETS = {
  AZURE_TENANT_ID: 'tenant',
  AZURE_CLIENT_ID: 'client',
  AZURE_CLIENT_SECRET: 'secret',
  DATABASE_URL: 'postgres://mirror:password@db/crm',
};

test('changes are named by their keys, those that a process can follow and those that need a restart', () => {
  const before = load(FILE, SECRETS);
  const after = load(
    `
dataverse: { url: https://other.example }
postgres: { schema: crm, stateSchema: crm_state }
lease: 60s
schedule: '* * * * *'
limits: { tables: 3, memory: 1GiB }
labels: false
drift: { columnAdded: ask }
sweep: { atLeast: 1 }
quarantine: { nul: replace }
health: { port: 8080 }
log: { level: debug }
tables: [account, contact]
`,
    {
      ...SECRETS,
      DATABASE_URL: 'postgres://mirror:password@other/crm',
      MIRRORVERSE_HASH_KEY: 'a key of some length',
    },
  );
  const { changed, refused } = configChanges(before, after);
  expect(changed.toSorted()).toEqual([
    'drift',
    'labels',
    'limits.memory',
    'limits.tables',
    'log.level',
    'quarantine',
    'sweep',
    'tables',
  ]);
  expect(refused.toSorted()).toEqual([
    'MIRRORVERSE_HASH_KEY',
    'dataverse.url',
    'health.port',
    'lease',
    'postgres.schema',
    'postgres.stateSchema',
    'postgres.url',
  ]);
});

test('another way to sign in needs a restart, and secrets that were replaced are no change', () => {
  const before = load(FILE, {
    ...SECRETS,
    AZURE_CLIENT_SECRET: '',
    AZURE_CLIENT_SECRET_FILE: written('secret'),
  });
  const sameWay = { ...SECRETS, AZURE_CLIENT_SECRET: 'next', DATABASE_URL: 'postgres://mirror:next@db/crm' };
  expect(configChanges(load(FILE, SECRETS), load(FILE, sameWay))).toEqual({ changed: [], refused: [] });
  expect(configChanges(before, load(FILE, { ...SECRETS, MIRRORVERSE_AUTH: 'azure-cli' })).refused).toEqual([
    'dataverse.auth',
  ]);
});

test('a member of the configuration that the comparison does not know needs a restart', () => {
  const before = load(FILE, SECRETS);
  expect(configChanges(before, { ...before, somethingNew: 1 } as Config).refused).toEqual(['somethingNew']);
});
