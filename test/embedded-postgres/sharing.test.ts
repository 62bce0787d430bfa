import { readFile } from 'node:fs/promises';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { clusterPlace, queryOnce, startClusterUser, until } from '../support/cluster-support.ts';

async function session(pid: number | string): Promise<string | undefined> {
  return (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ')[3];
}

test('two processes share one cluster, and the last one out stops it', async () => {
  await using place = await clusterPlace();
  const first = startClusterUser(place.data);
  const url = await first.url;
  const pid = await place.serverPid();
  const second = startClusterUser(place.data);
  expect(await second.url).toBe(url);

  await first.leave();
  expect(await place.serverPid()).toBe(pid);
  expect(await queryOnce(url, 'select 1 as one')).toEqual([{ one: 1 }]);

  await second.leave();
  expect(await place.serverPid()).toBeUndefined();
});

test('processes that start at the same time get one server', async () => {
  await using place = await clusterPlace();
  const users = [1, 2, 3].map(() => startClusterUser(place.data));
  const here = await Promise.all([place.open(), place.open()]);
  const urls = [...(await Promise.all(users.map(async (user) => user.url))), ...here.map(({ url }) => url)];
  expect(new Set(urls).size).toBe(1);

  await Promise.all([...users.map(async (user) => user.leave()), ...here.map(async (one) => one.release())]);
  expect(await place.serverPid()).toBeUndefined();
});

test('a server never stops under a user who joins while others leave', async () => {
  await using place = await clusterPlace();
  const comeAndGo = async (): Promise<void> => {
    for (let visit = 0; visit < 8; visit += 1) {
      const server = await place.open();
      expect(await queryOnce(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
      await server.release();
    }
  };
  await Promise.all([comeAndGo(), comeAndGo(), comeAndGo()]);
  expect(await place.serverPid()).toBeUndefined();
});

test('a process that dies leaves the server running, and the next one joins and stops it', async () => {
  await using place = await clusterPlace();
  const first = startClusterUser(place.data);
  const url = await first.url;
  const pid = await place.serverPid();
  await first.kill();
  expect(await place.serverPid()).toBe(pid);
  const others = `select from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`;
  await until('the server has seen it die', async () => (await queryOnce(url, others)).length === 0);

  const next = await place.open();
  expect(next.url).toBe(url);
  expect(await place.serverPid()).toBe(pid);
  await next.release();
  expect(await place.serverPid()).toBeUndefined();
});

test('a psql session keeps the server running', async () => {
  await using place = await clusterPlace();
  const server = await place.open();
  const psql = new Client({ connectionString: server.url });
  psql.on('error', () => undefined);
  await psql.connect();
  await server.release();
  expect((await psql.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await psql.end();
});

test('a second release does nothing', async () => {
  await using place = await clusterPlace();
  const first = await place.open();
  const second = await place.open();
  await first.release();
  await first.release();
  expect(await queryOnce(second.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  await second.release();
});

test.runIf(process.platform === 'linux')(
  'the server is in a session of its own, which a Ctrl-C does not reach',
  async () => {
    await using place = await clusterPlace();
    const server = await place.open();
    const pid = await place.serverPid();
    expect(await session(pid!)).not.toBe(await session('self'));
    await server.release();
  },
);
