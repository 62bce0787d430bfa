import { readdir, readFile, stat } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { openEmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts';
import { clusterPlace, failureOf, queryOnce, startClusterUser, until } from '../support/cluster-support.ts';

const unfinished = async (root: string): Promise<string[]> =>
  (await readdir(root)).filter((name) => name.includes('.unfinished-'));

const isAtWork = async (root: string): Promise<boolean> => {
  const [directory] = await unfinished(root);
  return directory !== undefined && (await readdir(`${root}/${directory}`)).includes('base');
};

test('a half-finished initdb is repaired', async () => {
  await using place = await clusterPlace();
  const killed = startClusterUser(place.data);
  await until('initdb is at work', async () => isAtWork(place.root));
  await killed.kill();
  expect(await unfinished(place.root)).toHaveLength(1);

  const server = await place.open();
  expect(await queryOnce(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  await server.release();
});

test('aborting the first start leaves nothing running and no data directory', async () => {
  await using place = await clusterPlace();
  const controller = new AbortController();
  const opening = openEmbeddedPostgres({ directory: place.data, signal: controller.signal });
  opening.catch(() => undefined);
  await until('initdb is at work', async () => isAtWork(place.root));
  controller.abort(new Error('enough'));
  await expect(opening).rejects.toThrow('enough');
  expect((await readdir(place.root)).sort()).toEqual(['postgres.log', 'postgres.password']);
});

test('the server asks for the password and trusts nobody', async () => {
  await using place = await clusterPlace();
  const server = await place.open();
  const wrong = new URL(server.url);
  expect(wrong.password).toHaveLength(24);
  wrong.password = 'wrong';
  await expect(queryOnce(wrong.href, 'select')).rejects.toMatchObject({ code: '28P01' });
  const rules = await queryOnce<{ auth_method: string }>(
    server.url,
    'select distinct auth_method from pg_hba_file_rules',
  );
  expect(rules).toEqual([{ auth_method: 'scram-sha-256' }]);
  expect((await stat(`${place.data}.password`)).mode & 0o777).toBe(0o600);
  await server.release();
});

test('the server listens on the loopback interface only, and sorts by code point', async () => {
  await using place = await clusterPlace();
  const server = await place.open();
  const [row] = await queryOnce(
    server.url,
    `select current_setting('listen_addresses') as addresses, current_setting('unix_socket_directories') as sockets,
            current_setting('server_encoding') as encoding, current_database() as database, datlocprovider, datlocale
       from pg_database where datname = current_database()`,
  );
  expect(row).toEqual({
    addresses: '127.0.0.1',
    sockets: '',
    encoding: 'UTF8',
    database: 'mirrorverse',
    datlocprovider: 'b',
    datlocale: 'C.UTF-8',
  });
  await server.release();
});

test('the server is durable unless the options say otherwise', async () => {
  await using place = await clusterPlace();
  const server = await openEmbeddedPostgres({ directory: place.data });
  const rows = await queryOnce(
    server.url,
    `select name, setting from pg_settings where name in ('fsync', 'synchronous_commit', 'full_page_writes')`,
  );
  expect(rows).toHaveLength(3);
  expect(rows.every(({ setting }) => setting === 'on')).toBe(true);
  await server.release();
});

test('a start that fails says what the server wrote', async () => {
  await using place = await clusterPlace();
  const opening = openEmbeddedPostgres({
    directory: place.data,
    settings: { fsync: 'off', shared_buffers: "it's wrong" },
  });
  const error = await failureOf(opening);
  expect(error.message).toContain('invalid value for parameter "shared_buffers": "it\'s wrong"');
  expect(await readFile(`${place.data}.conf`, 'utf8')).toContain("shared_buffers = 'it''s wrong'");
});
