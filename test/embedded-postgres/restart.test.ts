import { once } from 'node:events';
import { utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { openEmbeddedPostgres } from '../../src/embedded-postgres/cluster.ts';
import { isAlive } from '../../src/embedded-postgres/postmaster.ts';
import { clusterPlace, queryOnce, startClusterUser, until } from '../support/cluster-support.ts';

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

test('a port that somebody else has taken is replaced by another', async () => {
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

test('the lock of a process that died is taken over', async () => {
  await using place = await clusterPlace();
  const dead = startClusterUser(place.data);
  await dead.url;
  await dead.kill();
  const lock = `${place.data}.lock`;
  await writeFile(lock, `${dead.process.pid} ${hostname()} left-behind`);
  // So that it is not its silence that gives it away.
  const later = new Date(Date.now() + 3_600_000);
  await utimes(lock, later, later);

  const server = await place.open();
  expect(await queryOnce(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  await server.release();
});
