import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openPool, transaction } from '../../src/mirror/connection/postgres.ts';
import { freshDatabase, freshRole } from '../support/database.ts';
import { silent } from '../support/mirror.ts';

test('a password that is replaced in its file serves the next connection, and a file that is gone keeps the last one', async () => {
  await using database = await freshDatabase();
  await using role = await freshRole(database);
  const directory = await mkdtemp(join(tmpdir(), 'mirrorverse-password-'));
  const urlFile = join(directory, 'url');
  await writeFile(urlFile, role.url);
  const pool = openPool({ url: role.url, urlFile, connections: 1, idleInTransaction: 10_000 }, silent);
  const backend = async (): Promise<number> =>
    transaction(pool, async (client) => {
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      return rows[0]?.pid ?? 0;
    });
  const disconnect = async (): Promise<void> => {
    await database.pool.query(`SELECT pg_terminate_backend(${await backend()}, 5000)`);
    await expect.poll(() => pool.totalCount).toBe(0);
  };
  try {
    await disconnect();
    const next = new URL(role.url);
    next.password = encodeURIComponent('the next %password');
    await database.pool.query(`ALTER ROLE ${role.name} PASSWORD 'the next %password'`);
    await expect(backend()).rejects.toMatchObject({ code: 'database-sign-in' });
    await writeFile(urlFile, `${next.href}\n`);
    expect(await backend()).toBeGreaterThan(0);
    await disconnect();
    await rm(urlFile);
    expect(await backend()).toBeGreaterThan(0);
  } finally {
    await pool.end();
    await rm(directory, { recursive: true });
  }
});
