import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { keysOf, load, problemsOf, written, type Variables } from './config-directory.ts';

const SECRETS = [
  'AZURE_CLIENT_SECRET',
  'AZURE_CLIENT_CERTIFICATE_PASSWORD',
  'DATAVERSE_ACCESS_TOKEN',
  'DATABASE_URL',
  'MIRRORVERSE_API_TOKEN',
  'MIRRORVERSE_NUDGE_SECRET',
  'MIRRORVERSE_NUDGE_QUEUE_CONNECTION',
  'MIRRORVERSE_WEBHOOK_SECRET',
  'MIRRORVERSE_WEBHOOK_ANY_NAME',
];
const NEEDS = { dataverse: true };
const APP = { AZURE_TENANT_ID: 'tenant', AZURE_CLIENT_ID: 'client' };
const URL = { DATAVERSE_URL: 'https://contoso.crm.dynamics.com' };

const file = (text: string): string => written(`${text}\n`);
const signIn = (variables: Variables): unknown => load('', { ...URL, ...variables }, NEEDS).dataverse?.signIn;
const missing = (auth: string, variables: Variables = {}): string[] =>
  keysOf(problemsOf('', { ...URL, MIRRORVERSE_AUTH: auth, ...variables }, NEEDS));

test('every secret may be in a file, and the line end of the file is not part of it', () => {
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
  expect(load('', { DATABASE_URL_FILE: file('postgres://db') }).postgres).toMatchObject({
    url: 'postgres://db',
  });
});

test.each(SECRETS)('the variable %s and its _FILE form set together are a problem', (name) => {
  expect(keysOf(problemsOf('', { [name]: 'embedded', [`${name}_FILE`]: written('embedded') }))).toEqual([
    `${name}_FILE`,
  ]);
});

test.each(SECRETS)('a file of %s that is not there is a problem', (name) => {
  const [problem] = problemsOf('', { [`${name}_FILE`]: '/nowhere/secret' });
  expect(problem).toEqual({
    key: `${name}_FILE`,
    message: 'names a file that does not exist (ENOENT); it must be a path',
  });
});

test.each(SECRETS)('an empty file of %s is a problem', (name) => {
  expect(keysOf(problemsOf('', { [`${name}_FILE`]: written(' \n') }))).toContain(`${name}_FILE`);
});

const CANARY = 'canary/of+a~secret';

test.each(SECRETS)('the secret of %s is not shown when it was put into the _FILE form by mistake', (name) => {
  for (const value of [CANARY, `postgres://u:${CANARY}@db/crm`, CANARY.repeat(1_000), `${CANARY}\0`]) {
    const problems = problemsOf('', { [`${name}_FILE`]: value });
    expect(keysOf(problems)).toEqual([`${name}_FILE`]);
    expect(JSON.stringify(problems)).not.toContain('canary');
  }
});

test('a configuration that was put into MIRRORVERSE_CONFIG by mistake is not shown', () => {
  const variables = { MIRRORVERSE_CONFIG: `postgres: { url: 'postgres://u:${CANARY}@db/crm' }` };
  expect(() => loadConfig(undefined, {}, variables)).toThrow(
    expect.objectContaining({
      problems: [
        {
          key: 'MIRRORVERSE_CONFIG',
          message:
            'names a file that does not exist (ENOENT); correct the path, or let `mirrorverse init` write the file',
        },
      ],
    }),
  );
});

test.each([
  ['AZURE_CLIENT_CERTIFICATE_PATH', `-----BEGIN PRIVATE KEY-----\n${CANARY}\n-----END PRIVATE KEY-----`],
  ['AZURE_FEDERATED_TOKEN_FILE', `eyJhbGciOiJub25lIn0.${CANARY}`],
])('a text that was put into %s in place of a path is not shown', (name, text) => {
  const problems = problemsOf('', { ...URL, ...APP, [name]: text }, NEEDS);
  expect(keysOf(problems)).toEqual([name]);
  expect(JSON.stringify(problems)).not.toContain('canary');
});

test.each([
  ['UTF-16, as PowerShell writes it', Buffer.from(`\ufeff${CANARY}\r\n`, 'utf16le')],
  ['UTF-16 without a byte order mark', Buffer.from(CANARY, 'utf16le')],
  ['UTF-16 of the other order', Buffer.from(`\ufeff${CANARY}`, 'utf16le').swap16()],
  ['a NUL', Buffer.from(`${CANARY}\0`)],
  ['another code page', Buffer.concat([Buffer.from(CANARY), Buffer.of(0xe9, 0x0a)])],
])('a file of a secret with %s is a problem of its variable', (_, bytes) => {
  for (const name of SECRETS) {
    const problems = problemsOf('', { [`${name}_FILE`]: written(bytes) });
    expect(keysOf(problems)).toEqual([`${name}_FILE`]);
    expect(JSON.stringify(problems)).not.toContain('canary');
  }
});

test('line breaks around a secret and a byte order mark before it are not part of the secret', () => {
  for (const text of ['t', 't\n', 't\r\n', '\r\n\r\nt\r\n', 't\r']) {
    expect(signIn({ DATAVERSE_ACCESS_TOKEN: text })).toEqual({ method: 'access-token', token: 't' });
    expect(signIn({ DATAVERSE_ACCESS_TOKEN_FILE: written(`\ufeff${text}`) })).toMatchObject({ token: 't' });
    expect(signIn({ ...APP, AZURE_CLIENT_SECRET: text })).toMatchObject({ clientSecret: 't' });
  }
  expect(signIn({ ...APP, AZURE_CLIENT_SECRET: ' a secret ' })).toMatchObject({ clientSecret: ' a secret ' });
});

test('a token or secret that no header can carry is a problem of its variable, as given or in a file', () => {
  for (const name of ['AZURE_CLIENT_SECRET', 'DATAVERSE_ACCESS_TOKEN']) {
    for (const text of ['canary\nx', 'canary\u0000x', 'canary\u007f', 'canary\t.', 'canary€', 'canaryé']) {
      const problems = problemsOf('', { [name]: text });
      expect(keysOf(problems)).toEqual([name]);
      expect(JSON.stringify(problems)).not.toContain('canary');
      expect(keysOf(problemsOf('', { [`${name}_FILE`]: written(`${text}\n`) }))).toEqual([`${name}_FILE`]);
    }
  }
});

test('a key and a password that are never sent may be of any characters', () => {
  const password = {
    AZURE_CLIENT_CERTIFICATE_PASSWORD: 'pässword\t€',
    ...APP,
    AZURE_CLIENT_CERTIFICATE_PATH: '/c',
  };
  expect(signIn(password)).toMatchObject({ certificatePassword: 'pässword\t€' });
  expect(load('', { MIRRORVERSE_HASH_KEY: `${'schlüssel'.repeat(5)}\nx` }).hashKey).toContain('\n');
});

test('several wrong secrets are reported together', () => {
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
])('the variables %o decide how to sign in by default', (variables, expected) => {
  expect(signIn(variables)).toMatchObject(expected);
});

test('a method of sign-in that is asked for is taken, whatever else is set', () => {
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

test('the variables that a method of sign-in needs and misses are all reported', () => {
  expect(missing('access-token')).toEqual(['DATAVERSE_ACCESS_TOKEN']);
  expect(missing('client-secret')).toEqual(['AZURE_CLIENT_ID', 'AZURE_CLIENT_SECRET', 'AZURE_TENANT_ID']);
  expect(missing('client-certificate', APP)).toEqual(['AZURE_CLIENT_CERTIFICATE_PATH']);
  expect(missing('workload-identity', APP)).toEqual(['AZURE_FEDERATED_TOKEN_FILE']);
});

test('an authority may be given with or without its scheme', () => {
  for (const host of ['login.microsoftonline.us', 'https://login.microsoftonline.us']) {
    expect(signIn({ ...SECRET, AZURE_AUTHORITY_HOST: host })).toMatchObject({
      authorityHost: 'https://login.microsoftonline.us',
    });
  }
});

test.each(['https://', 'http://login.example.com', 'ftp://login.example.com'])(
  'the authority %s is refused, because a secret would be sent there',
  (host) => {
    expect(keysOf(problemsOf('', { ...URL, ...SECRET, AZURE_AUTHORITY_HOST: host }, NEEDS))).toEqual([
      'AZURE_AUTHORITY_HOST',
    ]);
  },
);
