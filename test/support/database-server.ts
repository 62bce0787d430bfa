import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, statfs } from 'node:fs/promises';
import { request } from 'node:http';
import { homedir, hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { TestProject } from 'vitest/node';
import { openEmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts';
import { readPostmaster } from '../../src/embedded-postgres/server.ts';
import { assertNoLeak, leaks } from './canaries.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A superuser's connection URL of the server that the test databases are made on. */
    databaseUrl: string;
  }
}

/** Nothing in a test database has to survive a power cut. */
export const FAST_SETTINGS = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

/** The host in the name, because processes of another container cannot be seen from here. */
const DIRECTORY_PREFIX = `mirrorverse-test-${hostname()}-`;

/** A file system in memory that Linux has. */
const MEMORY = '/dev/shm';

/** Bytes that the clusters of a run stay below. */
const ROOM = 4 * 1024 ** 3;

interface TestServer {
  readonly kind: string;
  readonly url: string;
  stop(): Promise<void>;
}

/** Provides one PostgreSQL server to the whole test run; without any, the run fails. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = givenServer() ?? (await dockerServer()) ?? (await embeddedServer());
  console.log(`test database: ${server.kind} ${await serverVersion(server)}`);
  project.provide('databaseUrl', server.url);
  return async () => server.stop();
}

function givenServer(): TestServer | undefined {
  const url = process.env['TEST_DATABASE_URL'];
  if (url === undefined || url === '') return undefined;
  return { kind: 'TEST_DATABASE_URL, PostgreSQL', url, stop: async () => undefined };
}

async function dockerServer(): Promise<TestServer | undefined> {
  if (!(await dockerAnswers())) return undefined;
  try {
    return await startContainer();
  } catch (error) {
    console.log(`test database: Docker answers, but does not give PostgreSQL (${String(error)})`);
    return undefined;
  }
}

async function startContainer(): Promise<TestServer> {
  const { GenericContainer, Wait } = await import('testcontainers');
  const flags = Object.entries(FAST_SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const container = await new GenericContainer('postgres:18')
    .withEnvironment({ POSTGRES_PASSWORD: 'test' })
    .withCommand(['postgres', ...flags])
    .withExposedPorts(5432)
    // The first "ready" is that of the image's own initialisation.
    .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/, 2))
    .start();
  return {
    kind: 'Docker, PostgreSQL',
    url: `postgres://postgres:test@${container.getHost()}:${container.getMappedPort(5432)}/postgres`,
    stop: async () => void (await container.stop()),
  };
}

async function embeddedServer(): Promise<TestServer> {
  await removeAbandoned();
  const directory = await temporaryDirectory();
  await chmod(directory, 0o711);
  const server = await openEmbeddedPostgres({
    directory: join(directory, 'postgres'),
    settings: FAST_SETTINGS,
  });
  return {
    kind: 'embedded PostgreSQL',
    url: server.url,
    stop: async () => {
      await server.release();
      const log = await readFile(join(directory, 'postgres.log'), 'utf8');
      await rm(directory, { recursive: true, force: true });
      // As users have it: no row may have landed there in the whole run.
      assertNoLeak(leaks(log, []));
    },
  };
}

/**
 * A directory for one cluster, `postgres` in it; a later run removes what a killed one leaves behind.
 *
 * @param place in `memory` where there is room: each database is 300 files, and ext4 takes several times as
 *   long to make a file soon after many were deleted. Programs can be started only from a `disk`.
 */
export async function temporaryDirectory(place: 'memory' | 'disk' = 'memory'): Promise<string> {
  const parent = place === 'memory' && (await hasMemory()) ? MEMORY : tmpdir();
  return mkdtemp(join(parent, `${DIRECTORY_PREFIX}${process.pid}-`));
}

async function hasMemory(): Promise<boolean> {
  // A container has 64 MB there, unless it was asked for more.
  const { bavail, bsize } = await statfs(MEMORY).catch(() => ({ bavail: 0, bsize: 0 }));
  return bavail * bsize > ROOM;
}

/** Whether a process exists. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A test run that was killed leaves its servers running. */
async function removeAbandoned(): Promise<void> {
  const places = [tmpdir(), MEMORY];
  const found = await Promise.all(
    places.map(async (place) => (await readdir(place).catch(() => [])).map((name) => [place, name] as const)),
  );
  for (const [place, name] of found.flat()) {
    const pid = name.startsWith(DIRECTORY_PREFIX) ? parseInt(name.slice(DIRECTORY_PREFIX.length), 10) : NaN;
    if (Number.isNaN(pid) || isAlive(pid)) continue;
    const directory = join(place, name);
    // Another user's directory is left to that user.
    const postmaster = await readPostmaster(join(directory, 'postgres')).catch(() => undefined);
    if (postmaster !== undefined) process.kill(postmaster.pid, 'SIGQUIT');
    await rm(directory, { recursive: true, force: true, maxRetries: 10 }).catch(() => undefined);
  }
}

/** Asks the engine itself: a socket may be left behind by one that no longer runs. */
async function dockerAnswers(): Promise<boolean> {
  const target = dockerTarget();
  if (target === undefined) return false;
  return new Promise((resolve) => {
    const ping = request({ ...target, path: '/_ping', timeout: 2_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping.on('timeout', () => ping.destroy());
    ping.on('error', () => resolve(false));
    ping.end();
  });
}

function dockerTarget(): { socketPath: string } | { host: string; port: string } | undefined {
  const host = process.env['DOCKER_HOST'];
  if (host?.startsWith('tcp://') === true) {
    const address = new URL(host);
    return { host: address.hostname, port: address.port };
  }
  const sockets = [
    host?.replace(/^unix:\/\//, ''),
    '/var/run/docker.sock',
    join(homedir(), '.docker', 'run', 'docker.sock'),
    ...(process.platform === 'win32' ? ['//./pipe/docker_engine'] : []),
  ];
  const socketPath = sockets.find((path) => path !== undefined && existsSync(path));
  return socketPath === undefined ? undefined : { socketPath };
}

async function serverVersion({ kind, url }: TestServer): Promise<string> {
  const client = new Client({ connectionString: url });
  try {
    await client.connect();
    const { rows } = await client.query<{ server_version: string }>('show server_version');
    return rows[0]?.server_version ?? '';
  } catch (error) {
    throw new Error(`test database: ${kind} does not answer at ${new URL(url).host}`, { cause: error });
  } finally {
    await client.end();
  }
}
