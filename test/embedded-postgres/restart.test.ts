import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { openEmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts';
import { clusterPlace, queryOnce, startClusterUser, until } from '../support/cluster-support.ts';
import { isAlive } from '../support/database-server.ts';

test('a second start continues with the data, under the same psql command', async () => {
  await using place = await clusterPlace();
  const first = await place.open();
  await queryOnce(first.url, 'create table kept as select 42 as answer');
  await first.release();
  expect(await place.serverPid()).toBeUndefined();

  const second = await place.open();
  expect(second.psqlCommand).toBe(first.psqlCommand);
  expect(await queryOnce(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
  await second.release();
});

test('a port that another process has taken is replaced by another port', async () => {
  await using place = await clusterPlace();
  const first = await place.open();
  await first.release();
  const port = Number(new URL(first.url).port);
  const squatter = createServer().listen(port, '127.0.0.1');
  await once(squatter, 'listening');

  const second = await place.open();
  expect(new URL(second.url).port).not.toBe(String(port));
  expect(await queryOnce(second.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  await second.release();
  squatter.close();
});

test('a server that was killed recovers at the next start', async () => {
  await using place = await clusterPlace();
  // With the durable defaults: not waiting for the disk may lose what was last written.
  const first = await openEmbeddedPostgres({ directory: place.data });
  await queryOnce(first.url, 'create table kept as select 42 as answer');
  const pid = await place.serverPid();
  const children = await queryOnce<{ pid: number }>(first.url, 'select pid from pg_stat_activity');
  process.kill(pid!, 'SIGKILL');
  // No server starts over the memory that children of the killed one have yet to let go of.
  await until(
    'the server is gone, and its children too',
    async () => (await place.serverPid()) === undefined && !children.some((child) => isAlive(child.pid)),
  );
  await first.release();

  const second = await place.open();
  expect(await queryOnce(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
  await second.release();
});

test('the next process starts a server after a process and its server were killed together', async () => {
  await using place = await clusterPlace();
  const dead = startClusterUser(place.data);
  const children = await queryOnce<{ pid: number }>(await dead.url, 'select pid from pg_stat_activity');
  process.kill((await place.serverPid())!, 'SIGKILL');
  await dead.kill();
  await until('the server is gone, and its children too', async () =>
    children.every(({ pid }) => !isAlive(pid)),
  );

  const server = await place.open();
  expect(await queryOnce(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  await server.release();
  expect(await place.serverPid()).toBeUndefined();
});
