import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { ROW_CANARY } from '../support/canaries.ts';
import { clusterPlace, queryOnce, until } from '../support/cluster-support.ts';

test('no row value lands in the log of the server, whatever fails and even when a process of it dies', async () => {
  await using place = await clusterPlace();
  const server = await place.open();
  const { url } = server;
  await queryOnce(
    url,
    `CREATE TABLE t (n integer PRIMARY KEY, name text UNIQUE CHECK (name <> 'no ${ROW_CANARY}'));
     INSERT INTO t VALUES (1, '${ROW_CANARY}')`,
  );
  const failing: (readonly [string, unknown[]])[] = [
    [`INSERT INTO t VALUES (2, '${ROW_CANARY}')`, []],
    ['INSERT INTO t VALUES (3, $1)', [`no ${ROW_CANARY}`]],
    ['INSERT INTO t VALUES ($1, $2)', [ROW_CANARY, 'x']],
    [
      `DO $$ BEGIN RAISE WARNING '${ROW_CANARY}'; RAISE EXCEPTION '${ROW_CANARY}' USING DETAIL = '${ROW_CANARY}'; END $$`,
      [],
    ],
    [`SELECT pg_sleep(1), '${ROW_CANARY}', $1::text, 1 / 0`, [ROW_CANARY]],
  ];
  for (const [sql, parameters] of failing) {
    await expect(queryOnce(url, sql, parameters)).rejects.toBeInstanceOf(Error);
  }
  await expect(copy(url, `4\tgood\n${ROW_CANARY}\tbad\n`)).rejects.toMatchObject({ code: '22P02' });
  await expect(copy(url, `5\t${ROW_CANARY}\n`)).rejects.toMatchObject({ code: '23505' });

  // PostgreSQL then names the statement that a process was at.
  const dying = queryOnce(url, `SELECT '${ROW_CANARY}', pg_sleep(60)`).catch((error: unknown) => error);
  let pid = 0;
  await until('the statement runs', async () => {
    const found = await queryOnce<{ pid: number }>(
      url,
      `SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)' AND pid <> pg_backend_pid()`,
    );
    pid = found[0]?.pid ?? 0;
    return pid !== 0;
  });
  process.kill(pid, 'SIGKILL');
  expect(await dying).toBeInstanceOf(Error);
  await until('the server is back', async () =>
    queryOnce(url, 'SELECT').then(
      () => true,
      () => false,
    ),
  );
  await server.release();
  const log = await readFile(join(place.root, 'postgres.log'), 'utf8');
  expect(log).toContain('was terminated by signal 9');
  expect(log).toContain('database system is ready to accept connections');
  expect(log).not.toContain(ROW_CANARY);
});

async function copy(url: string, text: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await pipeline(Readable.from([text]), client.query(copyFrom('COPY t FROM STDIN')));
  } finally {
    await client.end();
  }
}
