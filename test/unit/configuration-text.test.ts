import { expect, test } from 'vitest';
import { configOfWritten, contraryVariables } from '../../src/config/answers.ts';
import { configurationText, type SetUp } from '../../src/operations/setup/configuration-text.ts';
import { written } from './config-directory.ts';

const SET_UP: SetUp = {
  url: 'https://contoso.crm.dynamics.com',
  auth: 'azure-cli',
  method: 'azure-cli',
  database: 'embedded',
  tables: [
    { name: 'account', rows: 12_045 },
    { name: 'new_*', rows: null },
    { name: '!new_log', rows: null },
  ],
};

test('a written configuration means what was answered', () => {
  const file = written(configurationText(SET_UP).yaml);
  const needs = { dataverse: true, postgres: true, tables: true };
  const config = configOfWritten(file, {}, needs, { MIRRORVERSE_TABLES: 'lead' });
  expect(config.dataverse).toMatchObject({ url: SET_UP.url, signIn: { method: 'azure-cli' } });
  expect(config.postgres?.url).toBe('embedded');
  expect(config.tables.map(({ name }) => name)).toEqual(['account', 'new_*']);
  expect(config.leftOut).toEqual(['new_log']);
});

test.each([
  ['postgres://mirror:s3cret@db/crm', 'postgres://mirror:PASSWORD@db/crm'],
  [
    'postgres://mirror:s3%40cret@db:5433/crm?sslmode=require',
    'postgres://mirror:PASSWORD@db:5433/crm?sslmode=require',
  ],
  ['postgres://db/crm?user=mirror&password=s3cret', 'postgres://db/crm?user=mirror&password=PASSWORD'],
])('the password of %s is in neither file', (database, example) => {
  const { yaml, env, isDatabaseSecret } = configurationText({ ...SET_UP, database });
  expect(yaml + env).not.toMatch(/s3(?:%40)?cret/);
  expect(yaml).not.toMatch(/^ {2}url: postgres/m);
  expect(env).toContain(`\nDATABASE_URL=${example}\n`);
  expect(isDatabaseSecret).toBe(true);
});

test('an address without a password is in the configuration alone', () => {
  const { yaml, env } = configurationText({ ...SET_UP, database: 'postgres://mirror@db/crm' });
  expect(yaml).toContain('\n  url: postgres://mirror@db/crm\n');
  expect(env).not.toContain('DATABASE_URL=');
});

test('the example of the variables has no value', () => {
  const { env } = configurationText({ ...SET_UP, auth: undefined, method: 'client-secret' });
  expect(env).toContain('\nAZURE_TENANT_ID=\nAZURE_CLIENT_ID=\nAZURE_CLIENT_SECRET=\n');
});

test('variables that say something else than the answers are named', () => {
  const environment = { DATAVERSE_URL: SET_UP.url, MIRRORVERSE_TABLES: 'lead', DATABASE_URL: '' };
  const answers = { DATAVERSE_URL: SET_UP.url, MIRRORVERSE_TABLES: 'account' };
  expect(contraryVariables(answers, environment)).toEqual(['MIRRORVERSE_TABLES']);
});
