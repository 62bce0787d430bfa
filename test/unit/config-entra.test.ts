import { expect, it } from 'vitest';
import { load, problemsOf, type Variables } from './config-directory.ts';

const NEEDS = { postgres: true, dataverse: true };
const SERVER = 'postgres://mirror@contoso.postgres.database.azure.com/crm';
const AZURE = { AZURE_TENANT_ID: 'tenant', AZURE_CLIENT_ID: 'client', AZURE_CLIENT_SECRET: 'secret' };

function entra(url: string, variables: Variables = AZURE): unknown {
  const given = { DATAVERSE_URL: 'https://contoso.crm.dynamics.com', DATABASE_URL: url, ...variables };
  return load('postgres: { auth: entra }', given, NEEDS).postgres?.entra;
}

it('a token for PostgreSQL is of the same identity as the one for the environment', () => {
  const signIn = { method: 'client-secret', tenantId: 'tenant', clientId: 'client', clientSecret: 'secret' };
  const resource = 'https://ossrdbms-aad.database.windows.net';
  expect(entra(SERVER)).toEqual({ signIn, resource });
  expect(entra(SERVER, { ...AZURE, DATAVERSE_ACCESS_TOKEN: 'token' })).toEqual({ signIn, resource });
  expect(entra(SERVER, { ...AZURE, MIRRORVERSE_AUTH: 'device-code' })).toEqual({ signIn, resource });
  expect(entra(SERVER, { MIRRORVERSE_AUTH: 'managed-identity' })).toMatchObject({
    signIn: { method: 'managed-identity' },
  });
  expect(load('', { DATABASE_URL: SERVER }, { postgres: true }).postgres).toEqual({ url: SERVER });
});

it.each([
  ['postgres://mirror@contoso.postgres.database.usgovcloudapi.net/crm', {}, 'usgovcloudapi.net'],
  ['postgres://mirror@contoso.postgres.database.chinacloudapi.cn/crm', {}, 'chinacloudapi.cn'],
  [
    'postgres://mirror@db.corp/crm',
    { AZURE_AUTHORITY_HOST: 'login.microsoftonline.us' },
    'usgovcloudapi.net',
  ],
  ['postgres://mirror@db.corp/crm', {}, 'windows.net'],
])('a token for %s is for its cloud', (url, variables, cloud) => {
  expect(entra(url, { ...AZURE, ...variables })).toMatchObject({
    resource: `https://ossrdbms-aad.database.${cloud}`,
  });
});

it.each([
  ['postgres://mirror:canary@db.corp/crm', 'must have no password'],
  ['postgres://mirror@db.corp/crm?password=canary', 'must have no password'],
  ['postgres://db.corp/crm', 'must name the user'],
  ['postgres://mirror@db.corp/crm?sslmode=disable', 'must not say sslmode=disable'],
  ['postgres://mirror:12/canary@db.corp/crm', 'has an @ behind the host'],
])('a configuration with postgres.auth: entra and %s is refused', (url, message) => {
  const problems = problemsOf(
    'postgres: { auth: entra }',
    { ...AZURE, DATABASE_URL: url },
    { postgres: true },
  );
  expect(problems).toHaveLength(1);
  expect(problems[0]?.key).toContain('postgres.url');
  expect(problems[0]?.message).toContain(message);
  expect(JSON.stringify(problems)).not.toContain('canary');
});

it('a configuration with postgres.auth: entra takes a server of this machine in plain text, and a user from PGUSER', () => {
  expect(entra('postgres://mirror@localhost/crm?sslmode=disable')).toBeDefined();
  expect(entra('postgres://localhost/crm', { ...AZURE, PGUSER: 'mirror' })).toBeDefined();
});

it('a configuration with postgres.auth: entra and the bundled PostgreSQL is refused', () => {
  const problems = problemsOf('postgres: { auth: entra, url: embedded }', AZURE, { postgres: true });
  expect(problems.map(({ key }) => key)).toEqual(['postgres.auth']);
});

it('a person signs in with the client of Microsoft for Dataverse unless variables name another one', () => {
  const needs = { dataverse: true };
  const url = { DATAVERSE_URL: 'https://contoso.crm.dynamics.com' };
  const signIn = (variables: Variables): unknown =>
    load('', { ...url, ...variables }, needs).dataverse?.signIn;
  expect(signIn({ MIRRORVERSE_AUTH: 'browser' })).toEqual({
    method: 'browser',
    tenantId: 'organizations',
    clientId: '51f81489-12ee-4a9e-aaae-a2591f45987d',
  });
  expect(
    signIn({ MIRRORVERSE_AUTH: 'device-code', AZURE_TENANT_ID: 'own', AZURE_CLIENT_ID: 'ours' }),
  ).toEqual({
    method: 'device-code',
    tenantId: 'own',
    clientId: 'ours',
  });
});
