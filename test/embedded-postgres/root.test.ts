import { chmod, mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { openEmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts';
import {
  clusterPlace,
  copyBinaries,
  failureOf,
  queryOnce,
  type ClusterPlace,
} from '../support/cluster-support.ts';

async function serverStatus(place: ClusterPlace): Promise<{ uid: number; capabilities: string }> {
  const status = await readFile(`/proc/${await place.serverPid()}/status`, 'utf8');
  return {
    uid: Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]),
    capabilities: /^CapEff:\s+(\w+)/m.exec(status)?.[1] ?? '',
  };
}

/** CAP_DAC_OVERRIDE alone. */
const DAC_OVERRIDE = '0000000000000002';
const NONE = '0000000000000000';

describe.runIf(process.platform === 'linux' && process.getuid?.() === 0)('the server under root', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test('the server runs below a 0700 directory of root, data and programs alike', async () => {
    await using place = await clusterPlace({}, 'disk');
    await chmod(place.root, 0o700);
    const server = await place.open(await copyBinaries(place.root));
    await queryOnce(server.url, 'create table kept as select 42 as answer');
    const { uid, capabilities } = await serverStatus(place);
    expect(uid).not.toBe(0);
    expect(capabilities).toBe(DAC_OVERRIDE);
    await server.release();
    expect(await place.serverPid()).toBeUndefined();
  });

  test('the server runs without any capability where it reaches everything', async () => {
    await using place = await clusterPlace({}, 'disk');
    await chmod(place.root, 0o755);
    // A copy, because the checkout may itself be below a closed directory.
    const server = await place.open(await copyBinaries(place.root));
    const { uid, capabilities } = await serverStatus(place);
    expect(uid).not.toBe(0);
    expect(capabilities).toBe(NONE);
    await server.release();
  });

  test('a closed directory is an error with a remedy where setpriv is missing', async () => {
    await using place = await clusterPlace();
    const path = join(place.root, 'path');
    await mkdir(path);
    await symlink('/usr/bin/id', join(path, 'id'));
    vi.stubEnv('PATH', path);
    const error = await failureOf(openEmbeddedPostgres({ directory: place.data }));
    expect(error.message).toContain(`cannot reach ${place.root}`);
    expect(error.remedy).toMatch(/setpriv.*DATABASE_URL/);
  });
});
