import { afterAll, beforeAll, expect, test } from 'vitest';
import { DataverseEmulator } from '../../src/emulator/dataverse-emulator.ts';
import { openPool, transaction } from '../../src/mirror/connection/postgres.ts';
import { CommandLine } from '../support/command-line.ts';
import { silent } from '../support/mirror.ts';
import { certificateFile, tlsServer, type TlsServer } from '../support/tls-server.ts';

let server: TlsServer;
beforeAll(async () => {
  server = await tlsServer();
});
afterAll(async () => server[Symbol.asyncDispose]());

const LOCALHOST = certificateFile('localhost');
const OTHER = certificateFile('other-host');

/** The TLS version of a session of the daemon's pool; null for plain text. */
async function protocol(url: string): Promise<string | null> {
  const pool = openPool({ url, connections: 1, idleInTransaction: 1_000 }, silent);
  try {
    return await transaction(pool, async (client) => {
      const { rows } = await client.query<{ version: string | null }>(
        'SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
      );
      return rows[0]?.version ?? null;
    });
  } finally {
    await pool.end();
  }
}

const refused = (code: string): unknown =>
  expect.objectContaining({ code: 'database-tls', reaction: 'stop-table', details: { tls: code } });

test('a server whose CA and name are known is spoken to in TLS', async () => {
  await server.show('localhost');
  for (const sslmode of ['require', 'verify-ca', 'verify-full']) {
    expect(await protocol(server.url({ sslmode, sslrootcert: LOCALHOST }))).toBe('TLSv1.3');
  }
  expect(await protocol(server.url({ sslrootcert: LOCALHOST }))).toBe('TLSv1.3');
  expect(await protocol(server.url({ sslrootcert: LOCALHOST, sslnegotiation: 'direct' }))).toBe('TLSv1.3');
});

test('a server with an unknown CA is refused, unless the address asks for encryption alone', async () => {
  await server.show('localhost');
  await expect(protocol(server.url({ sslmode: 'verify-full' }))).rejects.toThrow(
    refused('DEPTH_ZERO_SELF_SIGNED_CERT'),
  );
  for (const sslmode of ['require', 'verify-ca', 'verify-full']) {
    await expect(protocol(server.url({ sslmode, sslrootcert: OTHER }))).rejects.toThrow(
      refused('DEPTH_ZERO_SELF_SIGNED_CERT'),
    );
  }
  expect(await protocol(server.url({ sslmode: 'require' }))).toBe('TLSv1.3');
});

test('a server with the certificate of another host is refused where the address asks for proof of the host', async () => {
  await server.show('other-host');
  for (const host of ['127.0.0.1', 'localhost']) {
    await expect(protocol(server.url({ sslmode: 'verify-full', sslrootcert: OTHER }, host))).rejects.toThrow(
      refused('ERR_TLS_CERT_ALTNAME_INVALID'),
    );
  }
  expect(await protocol(server.url({ sslmode: 'verify-ca', sslrootcert: OTHER }))).toBe('TLSv1.3');
});

test('a server that says it has no TLS is not spoken to in plain text', async () => {
  await server.show(undefined);
  for (const sslmode of ['require', 'verify-full']) {
    await expect(protocol(server.url({ sslmode }))).rejects.toThrow(refused('NO_TLS'));
  }
  expect(await protocol(server.url({ sslmode: 'disable' }))).toBeNull();
  expect(await protocol(server.url())).toBeNull();
});

test('a server that gets TLS back is found again by the same pool', async () => {
  await server.show(undefined);
  const url = server.url({ sslrootcert: LOCALHOST });
  const pool = openPool({ url, connections: 1, idleInTransaction: 1_000 }, silent);
  try {
    await expect(transaction(pool, async (client) => client.query('SELECT 1'))).rejects.toThrow(
      refused('NO_TLS'),
    );
    await server.show('localhost');
    await transaction(pool, async (client) => client.query('SELECT 1'));
  } finally {
    await pool.end();
  }
});

test('check says what is wrong with TLS, and what to write', async () => {
  await server.show(undefined);
  const emulator = new DataverseEmulator({ seed: 11 });
  await using cli = await CommandLine.open({
    DATAVERSE_URL: await emulator.listen(),
    DATAVERSE_ACCESS_TOKEN: 'emulator-token',
    MIRRORVERSE_TABLES: 'account',
  });
  const connection = async (url: string): Promise<unknown> => {
    const { document } = await cli.json(['check'], { DATABASE_URL: url });
    const { findings } = document as { findings: { id: string }[] };
    return findings.find(({ id }) => id === 'postgres.connect');
  };
  expect(await connection(server.url({ sslmode: 'verify-full' }))).toMatchObject({
    ok: false,
    code: 'database-tls',
    message: `PostgreSQL at ${new URL(server.url()).host} offers no TLS (NO_TLS).`,
    remedy: expect.stringContaining('sslmode=disable') as unknown,
  });
  await server.show('other-host');
  expect(await connection(server.url({ sslmode: 'verify-full', sslrootcert: OTHER }))).toMatchObject({
    code: 'database-tls',
    message: expect.stringContaining(
      `The certificate of PostgreSQL at ${new URL(server.url()).host} is for another host`,
    ) as unknown,
  });
  const unknown = await cli.run(['check'], { DATABASE_URL: server.url({ sslmode: 'no-verify' }) });
  expect(unknown).toMatchObject({ status: 2, stderr: expect.stringContaining('verify-full') as unknown });
  await emulator.close();
});
