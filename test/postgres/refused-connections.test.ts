import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts';
import { openPool, transaction } from '../../src/mirror/connection/postgres.ts';
import type { Failure } from '../../src/model/failure.ts';
import { clusterPlace, failureOf, queryOnce, until, type ClusterPlace } from '../support/cluster-support.ts';
import { silent } from '../support/mirror.ts';

const PASSWORD = 'canary~password';

let place: ClusterPlace;
let server: EmbeddedPostgres;
let at: string;

beforeAll(async () => {
  place = await clusterPlace();
  server = await place.open();
  at = new URL(server.url).host;
  await queryOnce(server.url, `CREATE ROLE reader LOGIN PASSWORD '${PASSWORD}' CONNECTION LIMIT 0`);
  await queryOnce(server.url, `CREATE ROLE guest LOGIN PASSWORD '${PASSWORD}'`);
  await queryOnce(server.url, 'CREATE ROLE team NOLOGIN');
  await queryOnce(server.url, 'CREATE DATABASE closed');
  await queryOnce(server.url, 'REVOKE CONNECT ON DATABASE closed FROM PUBLIC');
});
afterAll(async () => {
  await server.release();
  await place[Symbol.asyncDispose]();
});

/** The failure of a pool's first connection to such an address. */
async function refusal(change: (url: URL) => void, base = server.url): Promise<Failure> {
  const url = new URL(base);
  url.username = 'guest';
  url.password = PASSWORD;
  change(url);
  const pool = openPool({ url: url.href, connections: 1, idleInTransaction: 1_000 }, silent);
  try {
    const failure = await failureOf(transaction(pool, async () => undefined));
    expect(`${failure.message} ${failure.remedy}`).not.toContain('canary');
    return failure;
  } finally {
    await pool.end();
  }
}

it('a wrong password is refused with the server and the user in the message', async () => {
  const failure = await refusal((url) => (url.password = 'canary~wrong'));
  expect(failure).toMatchObject({ code: 'database-sign-in', reaction: 'stop-table' });
  expect(failure.message).toContain(`${at} refused the password of user guest`);
});

it('a password that is asked for and not given is called missing', async () => {
  const failure = await refusal((url) => (url.password = ''));
  expect(failure).toMatchObject({ code: 'database-sign-in' });
  expect(failure.message).toContain(`${at} asks user guest for a password`);
});

it('a database that does not exist is named', async () => {
  const failure = await refusal((url) => (url.pathname = '/crm'));
  expect(failure).toMatchObject({ code: 'database-missing' });
  expect(failure.message).toBe(`PostgreSQL at ${at} has no database crm.`);
});

it('a role without CONNECT is named with its database', async () => {
  const failure = await refusal((url) => (url.pathname = '/closed'));
  expect(failure).toMatchObject({ code: 'grant-missing' });
  expect(failure.message).toContain('user guest connect to database closed');
});

it('a server without a free connection is named with the user', async () => {
  const failure = await refusal((url) => (url.username = 'reader'));
  expect(failure).toMatchObject({ code: 'database-unavailable', reaction: 'retry' });
  expect(failure.message).toContain(`${at} has no connection left for user reader`);
});

it('a server without TLS is named', async () => {
  const failure = await refusal((url) => url.searchParams.set('sslmode', 'require'));
  expect(failure).toMatchObject({ code: 'database-tls' });
  expect(failure.message).toContain(`PostgreSQL at ${at} offers no TLS`);
});

it('a role that may not log in, or that pg_hba.conf does not know, is named', async () => {
  const file = join(place.data, 'pg_hba.conf');
  const rules = await readFile(file, 'utf8');
  const open = 'host all team 127.0.0.1/32 trust\nhost all stranger 127.0.0.1/32 reject\n';
  await writeFile(file, open + rules);
  await queryOnce(server.url, 'SELECT pg_reload_conf()');
  const team = async (): Promise<Failure> => refusal((url) => (url.username = 'team'));
  await until('the new rules', async () => (await team()).details['sqlstate'] === '28000');
  expect((await team()).message).toContain(`${at} does not let user team in`);
  const stranger = await refusal((url) => (url.username = 'stranger'));
  expect(stranger).toMatchObject({ code: 'database-sign-in', details: { sqlstate: '28000' } });
  expect(stranger.message).toContain(`${at} has no rule that lets user stranger into database`);
});

it('a host that does not resolve, a port where nobody listens and a socket that is not there are named', async () => {
  const unknown = await refusal((url) => (url.host = 'db.invalid'));
  expect(unknown).toMatchObject({ code: 'database-unreachable', reaction: 'retry' });
  expect(unknown.message).toContain('host name db.invalid');
  const closed = await refusal((url) => (url.host = '[::1]:9'));
  expect(closed.message).toMatch(/^PostgreSQL at \[::1\]:9 cannot be reached \(E\w+\)\.$/);
  const socket = await refusal((url) => url.searchParams.set('host', place.root));
  const { port } = new URL(server.url);
  expect(socket).toMatchObject({ code: 'database-unreachable', details: { network: 'ENOENT' } });
  expect(socket.message).toContain(`${place.root}/.s.PGSQL.${port}`);
});

it('a server that hangs up without a word is named', async () => {
  await using listener = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const failure = await refusal((url) => (url.port = String(port)));
  expect(failure).toMatchObject({ code: 'database-unreachable', reaction: 'retry' });
  expect(failure.message).toContain(`127.0.0.1:${port} cannot be reached`);
});
