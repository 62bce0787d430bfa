import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { freshDatabase } from '../support/database.ts';
import { FaultProxy } from '../support/fault-proxy.ts';

/** What the driver says of a connection that broke. */
const LOST = /ECONNRESET|EPIPE|terminated/;

async function connected(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

describe('the fault proxy', () => {
  it('the fault proxy passes everything on, connection by connection', async () => {
    await using database = await freshDatabase();
    await using proxy = await FaultProxy.between(database.url);
    const client = await connected(proxy.url(database.url));
    const { rows } = await client.query<{ text: string }>(`SELECT repeat('x', 3000000) AS text`);
    expect(rows[0]?.text).toHaveLength(3_000_000);
    expect(proxy.connections.size).toBe(1);
    await client.end();
    await expect.poll(() => proxy.connections.size).toBe(0);
  });

  it('the fault proxy loses the answer to a COMMIT that the server has', async () => {
    await using database = await freshDatabase('administrator');
    await database.query('CREATE TABLE t (n integer)');
    await using proxy = await FaultProxy.between(database.url);
    const client = await connected(proxy.url(database.url));
    const struck = proxy.swallow('COMMIT\0', 'toClient');
    await client.query('BEGIN');
    await client.query('INSERT INTO t VALUES (1)');
    await expect(client.query('COMMIT')).rejects.toThrow(LOST);
    await struck;
    expect(await database.query('SELECT * FROM t')).toEqual([{ n: 1 }]);
  });

  it('the fault proxy loses a COMMIT before the server has it', async () => {
    await using database = await freshDatabase('administrator');
    await database.query('CREATE TABLE t (n integer)');
    await using proxy = await FaultProxy.between(database.url);
    const client = await connected(proxy.url(database.url));
    const struck = proxy.swallow('COMMIT\0', 'toServer', { occurrence: 2 });
    await client.query('BEGIN');
    await client.query('INSERT INTO t VALUES (1)');
    await client.query('COMMIT');
    await client.query('BEGIN');
    await client.query('INSERT INTO t VALUES (2)');
    await expect(client.query('COMMIT')).rejects.toThrow(LOST);
    await struck;
    expect(await database.query('SELECT * FROM t')).toEqual([{ n: 1 }]);
  });

  it('the fault proxy swallows connections, refuses them, and takes them again', async () => {
    await using database = await freshDatabase();
    await using proxy = await FaultProxy.between(database.url);
    const url = proxy.url(database.url);
    const client = await connected(url);
    proxy.blackhole();
    let answered = false;
    void client.query('SELECT 1').then(
      () => (answered = true),
      () => undefined,
    );
    const late = new Client({ connectionString: url, connectionTimeoutMillis: 300 });
    late.on('error', () => undefined);
    await expect(late.connect()).rejects.toThrow(/timeout/);
    await proxy.refuse();
    await expect(connected(url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await proxy.restore();
    await (await connected(url)).end();
    expect(answered).toBe(false);
  });

  it('the fault proxy cuts a connection after so many bytes', async () => {
    await using database = await freshDatabase();
    await using proxy = await FaultProxy.between(database.url);
    const client = await connected(proxy.url(database.url));
    const [connection] = proxy.connections;
    const before = connection?.carried.toClient ?? 0;
    const struck = proxy.resetAfter(100_000, 'toClient');
    await expect(client.query(`SELECT repeat('x', 3000000)`)).rejects.toThrow(LOST);
    await struck;
    expect(connection?.carried.toClient).toBe(before + 100_000);
  });
});
