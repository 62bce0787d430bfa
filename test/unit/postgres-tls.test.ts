import { array, assert, constantFrom, property } from 'fast-check';
import { expect, test, vi } from 'vitest';
import { Failure } from '../../src/model/failure.ts';
import { connectionTo } from '../../src/mirror/connection/postgres-tls.ts';
import { tlsChoice } from '../../src/mirror/connection/tls-choice.ts';

const REMOTE = 'db.example.com';
const PARAMETERS = [
  'sslmode=allow',
  'sslmode=prefer',
  'sslmode=require',
  'sslmode=',
  'ssl=true',
  'ssl=false',
  'ssl=0',
  'uselibpqcompat=true',
  'sslnegotiation=direct',
  'sslnegotiation=postgres',
  'application_name=x',
];
const choose = (host: string, query: string): string => tlsChoice(host, new URLSearchParams(query)).mode;

/** What the driver is given, or the code of the failure. */
function protection(url: string): unknown {
  try {
    return connectionTo(url).ssl;
  } catch (error) {
    if (error instanceof Failure && error.code === 'database-tls') return error.code;
    throw error;
  }
}

test.each([
  ['', 'verify-full'],
  ['uselibpqcompat=true', 'verify-full'],
  ['ssl=true', 'verify-full'],
  ['sslrootcert=/ca.pem', 'verify-full'],
  ['sslrootcert=system', 'verify-full'],
  ['sslnegotiation=direct', 'verify-full'],
  ['sslmode=verify-full', 'verify-full'],
  ['sslmode=verify-ca&sslrootcert=/ca.pem', 'verify-ca'],
  ['sslmode=require&sslrootcert=/ca.pem', 'verify-ca'],
  ['sslmode=require', 'encrypt'],
  ['sslmode=require&uselibpqcompat=true', 'encrypt'],
  ['sslmode=prefer', 'encrypt'],
  ['sslmode=allow', 'encrypt'],
  ['sslmode=disable', 'plain'],
])('the parameters to another host: %j means %s', (query, mode) => {
  expect(choose(REMOTE, query)).toBe(mode);
});

test.each([
  ['localhost', '', 'plain'],
  ['LOCALHOST', '', 'plain'],
  ['LocalHost.', '', 'plain'],
  ['127.8.9.10', '', 'plain'],
  ['127.0.0.1', 'sslmode=prefer', 'plain'],
  ['::1', '', 'plain'],
  ['[::1]', 'sslmode=prefer&sslrootcert=system', 'plain'],
  ['localhost', 'sslrootcert=/ca.pem', 'verify-full'],
  ['localhost', 'sslmode=require', 'encrypt'],
  ['/var/run/postgresql', 'sslmode=verify-full', 'plain'],
  ['127.0.0.1.example.com', '', 'verify-full'],
  ['localhost.example.com', '', 'verify-full'],
  ['notlocalhost', '', 'verify-full'],
])('the parameters to %s: %j means %s', (host, query, mode) => {
  expect(choose(host, query)).toBe(mode);
});

test.each([
  'sslmode=no-verify',
  'sslmode=verify-ca',
  'sslmode=require&sslrootcert=system',
  'sslmode=disable&sslnegotiation=direct',
  'ssl=no-verify',
  'ssl=0',
  'sslcert=/client.pem',
  'sslcrl=/revoked.pem',
  'SSLMODE=disable',
])('the parameters %j cannot be followed to the letter and are refused', (query) => {
  expect(() => choose(REMOTE, query)).toThrow(expect.objectContaining({ code: 'database-tls' }));
});

test('an address reaches another host in plain text only with sslmode=disable, whatever else it says', () => {
  const parameter = constantFrom(...PARAMETERS);
  assert(
    property(array(parameter, { maxLength: 4 }), (parameters) => {
      expect(protection(`postgres://u:p@${REMOTE}/crm?${parameters.join('&')}`)).not.toBe(false);
    }),
  );
});

test('the driver gets no TLS setting that it could read for itself', () => {
  const { connectionString = '', ssl } = connectionTo(
    `postgres://u:p%20w@${REMOTE}:6432/crm?sslmode=require&uselibpqcompat=true&options=-c%20a%3Db`,
  );
  expect(connectionString).toBe(`postgres://u:p%20w@${REMOTE}:6432/crm?options=-c+a%3Db`);
  expect(ssl).toMatchObject({ rejectUnauthorized: false });
});

test('a host that the environment gives to the driver counts as another host', () => {
  vi.stubEnv('PGHOST', REMOTE);
  vi.stubEnv('PGSSLMODE', 'disable');
  try {
    expect(connectionTo('postgres:///crm').ssl).toMatchObject({ rejectUnauthorized: true });
    expect(connectionTo('postgres://localhost/crm').ssl).toBe(false);
  } finally {
    vi.unstubAllEnvs();
  }
});

test('a file that cannot be read is named by its parameter', () => {
  expect(() => connectionTo(`postgres://${REMOTE}/crm?sslrootcert=/none/ca.pem`)).toThrow(
    expect.objectContaining({
      code: 'database-tls',
      message: expect.stringContaining('sslrootcert (ENOENT)') as unknown,
      remedy: expect.stringContaining('/none/ca.pem') as unknown,
    }),
  );
});
