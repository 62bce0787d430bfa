import { Client } from 'pg';
import { expect, it } from 'vitest';
import { connectionTo } from '../../src/mirror/connection/postgres-tls.ts';
import { keysOf, load, problemsOf } from './config-directory.ts';

it.each([
  ['postgres://user@/db?host=/socket', ['user', '/socket', 5432, 'db']],
  ['postgres://user:p%40w@/db?host=%2Frun%2Fpg&port=6432', ['user', '/run/pg', 6432, 'db']],
  ['postgresql://user@%2Frun%2Fpostgresql/db', ['user', '/run/postgresql', 5432, 'db']],
  ['postgresql://user@%2Frun%2Fpostgresql:5433/db', ['user', '/run/postgresql', 5433, 'db']],
  ['postgres:///?host=/socket&user=user&dbname=db', ['user', '/socket', 5432, 'db']],
  ['postgres://user@/db?host=/socket&sslmode=verify-full', ['user', '/socket', 5432, 'db']],
  ['postgres://user@:5433/db', ['user', 'localhost', 5433, 'db']],
  ['postgres://user@LOCALHOST', ['user', 'LOCALHOST', 5432, 'user']],
])('%s is an address as libpq reads it, without TLS', (url, expected) => {
  expect(load(`postgres: { url: "${url}" }`, {}, { postgres: true }).postgres).toEqual({ url });
  const { user, host, port, database } = new Client(connectionTo(url));
  expect([user, host, port, database]).toEqual(expected);
  expect(connectionTo(url).ssl).toBe(false);
});

it('an address without a user means the account of the process', () => {
  const { user = '' } = new Client(connectionTo('postgres:///db?host=/socket'));
  expect(user).not.toBe('');
});

it.each([
  'postgres://a,b/db',
  'postgres://a:5432,b:5433/db',
  'postgres://u@/db?host=a,b',
  'postgres://u@h:x/db',
  'mysql://u@/db',
])('%s is refused before anything is connected to', (url) => {
  expect(keysOf(problemsOf(`postgres: { url: "${url}" }`, {}, { postgres: true }))).toEqual(['postgres.url']);
});
