import { readFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { databaseToken } from '../../src/cli/sign-in/database-token.ts';
import type { EmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts';
import { openPool, transaction } from '../../src/mirror/connection/postgres.ts';
import { openBench, type Bench } from '../support/bench.ts';
import { clusterPlace, failureOf, queryOnce, type ClusterPlace } from '../support/cluster-support.ts';
import { loggedCodes } from '../support/command-line.ts';
import { silent } from '../support/mirror.ts';
import { CERTIFICATE, openTokenAuthority, type TokenAuthority } from '../support/token-authority.ts';

const SECRET = 'canary~client.secret';
const CLIENT = '9f0c2e58-5a39-4c38-b1a5-1f7f5a3c1d11';
const RESOURCE = 'https://ossrdbms-aad.database.windows.net';
const ROLE = 'crm-mirror';

let bench: Bench;
let place: ClusterPlace;
let server: EmbeddedPostgres;
let authority: TokenAuthority;
let url: string;
const trusted = getCACertificates('default');

beforeAll(async () => {
  setDefaultCACertificates([...trusted, readFileSync(CERTIFICATE, 'utf8')]);
  bench = await openBench(['account']);
  bench.emulator.store.seed('account', 3);
  bench.emulator.settings.clientSecret = SECRET;
  authority = await openTokenAuthority(bench.url);
  place = await clusterPlace();
  server = await place.open();
  await queryOnce(server.url, `CREATE ROLE "${ROLE}" LOGIN`);
  await queryOnce(server.url, `CREATE DATABASE crm OWNER "${ROLE}"`);
  const address = new URL(server.url);
  address.username = ROLE;
  address.password = '';
  address.pathname = '/crm';
  url = address.href;
});
afterAll(async () => {
  setDefaultCACertificates(trusted);
  await server.release();
  await place[Symbol.asyncDispose]();
  await authority[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
});
beforeEach(async () => {
  authority.forms.length = 0;
  authority.tokens.length = 0;
  await newToken('canary.first.token');
});

/** From now on the sign-in service gives this token, and the database takes no other. */
async function newToken(token: string): Promise<void> {
  authority.token = token;
  await queryOnce(server.url, `ALTER ROLE "${ROLE}" PASSWORD '${token}'`);
}

it('a sync signs in to PostgreSQL by one token of Entra ID for PostgreSQL, whatever signs in to the environment', async () => {
  const environment = {
    DATABASE_URL: url,
    MIRRORVERSE_POSTGRES_AUTH: 'entra',
    MIRRORVERSE_LOG_LEVEL: 'trace',
    AZURE_AUTHORITY_HOST: authority.url,
    AZURE_TENANT_ID: bench.emulator.settings.tenantId,
    AZURE_CLIENT_ID: CLIENT,
    AZURE_CLIENT_SECRET: SECRET,
    NODE_EXTRA_CA_CERTS: CERTIFICATE,
  };
  const { status, stderr, stdout } = await bench.cli.run(['sync'], environment);
  expect({ status, stderr }).toMatchObject({ status: 0 });
  expect(authority.forms.map((form) => form.get('scope'))).toEqual([`${RESOURCE}/.default`]);
  expect(authority.tokens).toEqual(['canary.first.token']);
  expect(stderr + stdout).not.toContain('canary');

  authority.token = 'canary.of.another';
  const refused = await bench.cli.run(['status'], environment);
  expect(refused.status).toBe(1);
  expect(loggedCodes(refused.stderr)).toContain('database-sign-in');
  expect(refused.stderr).toContain(`refused the Entra ID token for user ${ROLE}`);
  expect(refused.stderr).toContain('pgaadauth_create_principal');

  const wrong = await bench.cli.run(['status'], { ...environment, AZURE_CLIENT_SECRET: 'canary~wrong' });
  expect(loggedCodes(wrong.stderr)).toContain('sign-in-failed');
  expect(wrong.stderr).toContain('The sign-in for PostgreSQL failed');
});

it('a token is used for all connections until it ends or is refused, and the next connection has a new one', async () => {
  const { tenantId } = bench.emulator.settings;
  const tokens = databaseToken({
    proxy: undefined,
    postgres: {
      url,
      entra: {
        resource: RESOURCE,
        signIn: {
          method: 'client-secret',
          tenantId,
          clientId: CLIENT,
          clientSecret: SECRET,
          authorityHost: authority.url,
        },
      },
    },
  });
  // No connection is kept, so each transaction has one of its own.
  const pool = openPool({ url, connections: 2, idleInTransaction: 1_000, tokens }, silent);
  pool.options.maxUses = 1;
  const connect = async (): Promise<void> => transaction(pool, async () => undefined);
  try {
    await connect();
    await connect();
    expect(authority.tokens).toHaveLength(1);
    await newToken('canary.second.token');
    expect(await failureOf(connect())).toMatchObject({ code: 'database-sign-in', reaction: 'stop-table' });
    await connect();
    expect(authority.tokens).toHaveLength(2);
  } finally {
    await pool.end();
  }
});

it('a token that lives shorter than its use is renewed at its end', async () => {
  const { settings } = bench.emulator;
  const { createTokenSource } = await import('../../src/dataverse/sign-in/sign-in.ts');
  let now = Date.now();
  const { tenantId } = settings;
  settings.tokenLifetimeSeconds = 10;
  const source = createTokenSource(
    {
      method: 'client-secret',
      tenantId,
      clientId: CLIENT,
      clientSecret: SECRET,
      authorityHost: authority.url,
    },
    RESOURCE,
    { now: () => now },
  );
  authority.token = undefined;
  const { signal } = new AbortController();
  const first = await source.token(signal);
  expect(await source.token(signal)).toBe(first);
  now += 11_000;
  expect(await source.token(signal)).not.toBe(first);
});
