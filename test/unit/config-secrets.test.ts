import { expect, test } from 'vitest';
import { keysOf, load, problemsOf, written, type Variables } from './config-directory.ts';

const SECRETS = [
  'AZURE_CLIENT_SECRET',
  'AZURE_CLIENT_CERTIFICATE_PASSWORD',
  'DATAVERSE_ACCESS_TOKEN',
  'DATABASE_URL',
];
const NEEDS = { dataverse: true };
const APP = { AZURE_TENANT_ID: 'tenant', AZURE_CLIENT_ID: 'client' };
const URL = { DATAVERSE_URL: 'https://contoso.crm.dynamics.com' };

const file = (text: string): string => written(`${text}\n`);
const signIn = (variables: Variables): unknown => load('', { ...URL, ...variables }, NEEDS).dataverse?.signIn;
const missing = (auth: string, variables: Variables = {}): string[] =>
  keysOf(problemsOf('', { ...URL, MIRRORVERSE_AUTH: auth, ...variables }, NEEDS));

test('every secret may be in a file, whose end of line does not belong to it', () => {
  expect(signIn({ ...APP, AZURE_CLIENT_SECRET_FILE: file('s') })).toMatchObject({ clientSecret: 's' });
  const certificate = {
    AZURE_CLIENT_CERTIFICATE_PATH: '/c.pem',
    AZURE_CLIENT_CERTIFICATE_PASSWORD_FILE: file('p'),
  };
  expect(signIn({ ...APP, ...certificate })).toMatchObject({ certificatePassword: 'p' });
  const tokenFile = file('t');
  expect(signIn({ DATAVERSE_ACCESS_TOKEN_FILE: tokenFile })).toEqual({
    method: 'access-token',
    token: 't',
    tokenFile,
  });
  expect(load('', { DATABASE_URL_FILE: file('postgres://db') }).postgres).toEqual({ url: 'postgres://db' });
});

test.each(SECRETS)('%s and its file both set are a problem', (name) => {
  expect(keysOf(problemsOf('', { [name]: 'embedded', [`${name}_FILE`]: written('embedded') }))).toEqual([
    `${name}_FILE`,
  ]);
});

test.each(SECRETS)('a file of %s that is not there is a problem', (name) => {
  const [problem] = problemsOf('', { [`${name}_FILE`]: '/nowhere/secret' });
  expect(problem).toEqual({
    key: `${name}_FILE`,
    message: 'the file /nowhere/secret cannot be read (ENOENT)',
  });
});

test.each(SECRETS)('an empty file of %s is a problem', (name) => {
  expect(keysOf(problemsOf('', { [`${name}_FILE`]: written(' \n') }))).toContain(`${name}_FILE`);
});

test('several wrong secrets are told together', () => {
  const variables = { DATABASE_URL_FILE: '/nowhere/a', AZURE_CLIENT_SECRET_FILE: '/nowhere/b' };
  expect(keysOf(problemsOf('', variables))).toEqual(['AZURE_CLIENT_SECRET_FILE', 'DATABASE_URL_FILE']);
});

test('a secret may be named in the file by its variable', () => {
  expect(
    load("postgres: { url: '${DATABASE_URL}' }", { DATABASE_URL_FILE: written('embedded') }).postgres,
  ).toEqual({
    url: 'embedded',
  });
});

const SECRET = { ...APP, AZURE_CLIENT_SECRET: 's' };
const CERTIFICATE = { ...APP, AZURE_CLIENT_CERTIFICATE_PATH: '/c.pem' };
const WORKLOAD = { ...APP, AZURE_FEDERATED_TOKEN_FILE: '/token' };

test.each([
  [{}, { method: 'default' }],
  [APP, { method: 'default' }],
  [SECRET, { method: 'client-secret', tenantId: 'tenant', clientId: 'client', clientSecret: 's' }],
  [
    CERTIFICATE,
    { method: 'client-certificate', tenantId: 'tenant', clientId: 'client', certificatePath: '/c.pem' },
  ],
  [
    WORKLOAD,
    { method: 'workload-identity', tenantId: 'tenant', clientId: 'client', tokenFilePath: '/token' },
  ],
  [{ ...CERTIFICATE, ...WORKLOAD }, { method: 'client-certificate' }],
  [{ ...SECRET, ...CERTIFICATE, ...WORKLOAD }, { method: 'client-secret' }],
  [
    { ...SECRET, DATAVERSE_ACCESS_TOKEN: 't' },
    { method: 'access-token', token: 't' },
  ],
])('by default the variables %o decide how to sign in', (variables, expected) => {
  expect(signIn(variables)).toMatchObject(expected);
});

test('a way that is asked for is taken, whatever else is there', () => {
  const all = { ...SECRET, ...CERTIFICATE, ...WORKLOAD, DATAVERSE_ACCESS_TOKEN: 't' };
  const ways = [
    'access-token',
    'client-secret',
    'client-certificate',
    'workload-identity',
    'managed-identity',
    'azure-cli',
  ];
  const methods = ways.map((way) => signIn({ ...all, MIRRORVERSE_AUTH: way }));
  expect(methods).toMatchObject(ways.map((method) => ({ method })));
});

test('everything a way needs and nobody gave is told, by variable', () => {
  expect(missing('access-token')).toEqual(['DATAVERSE_ACCESS_TOKEN']);
  expect(missing('client-secret')).toEqual(['AZURE_CLIENT_ID', 'AZURE_CLIENT_SECRET', 'AZURE_TENANT_ID']);
  expect(missing('client-certificate', APP)).toEqual(['AZURE_CLIENT_CERTIFICATE_PATH']);
  expect(missing('workload-identity', APP)).toEqual(['AZURE_FEDERATED_TOKEN_FILE']);
});

test('another authority is taken with or without its scheme', () => {
  for (const host of ['login.microsoftonline.us', 'https://login.microsoftonline.us']) {
    expect(signIn({ ...SECRET, AZURE_AUTHORITY_HOST: host })).toMatchObject({
      authorityHost: 'https://login.microsoftonline.us',
    });
  }
});

test.each(['https://', 'http://login.example.com', 'ftp://login.example.com'])(
  'the authority %s is refused, since a secret goes there',
  (host) => {
    expect(keysOf(problemsOf('', { ...URL, ...SECRET, AZURE_AUTHORITY_HOST: host }, NEEDS))).toEqual([
      'AZURE_AUTHORITY_HOST',
    ]);
  },
);
