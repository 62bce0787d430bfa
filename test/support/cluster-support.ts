import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, type QueryResultRow } from 'pg';
import { loadBinaries, type PostgresBinaries } from '../../src/embedded-postgres/binaries.ts';
import {
  openEmbeddedPostgres,
  type EmbeddedPostgres,
} from '../../src/embedded-postgres/embedded-postgres.ts';
import { readPostmaster } from '../../src/embedded-postgres/server.ts';
import { Failure } from '../../src/model/failure.ts';
import { FAST_SETTINGS, temporaryDirectory } from './database-server.ts';

/** A place for one cluster; afterwards its server is stopped, whatever the test did, and all is deleted. */
export interface ClusterPlace extends AsyncDisposable {
  readonly root: string;
  readonly data: string;
  open(binaries?: PostgresBinaries): Promise<EmbeddedPostgres>;
  serverPid(): Promise<number | undefined>;
}

/**
 * @param settings of its server, beside those that make it fast.
 * @param where its directory is; on a `disk` where the programs of the server are copied into it.
 */
export async function clusterPlace(
  settings: Readonly<Record<string, string>> = {},
  where: 'memory' | 'disk' = 'memory',
): Promise<ClusterPlace> {
  const root = await temporaryDirectory(where);
  const data = join(root, 'postgres');
  const serverPid = async (): Promise<number | undefined> => (await readPostmaster(data))?.pid;
  return {
    root,
    data,
    serverPid,
    open: async (binaries) =>
      openEmbeddedPostgres({
        directory: data,
        settings: { ...FAST_SETTINGS, ...settings },
        ...(binaries === undefined ? {} : { binaries }),
      }),
    [Symbol.asyncDispose]: async () => {
      const pid = await serverPid();
      if (pid !== undefined) process.kill(pid, 'SIGQUIT');
      await rm(root, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

/**
 * A place for a cluster that keeps its port while its server is down. The usual ports are next to each other, so
 * the server of another test takes one as soon as it is free, and this cluster would come back at another address.
 */
export async function placeWithOwnPort(): Promise<ClusterPlace> {
  for (;;) {
    // Below the ports that systems give to outgoing connections.
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    server.close();
    if (isFree) return clusterPlace({ port: String(port) });
  }
}

/** Another process that uses the cluster. */
export interface ClusterUser {
  readonly process: ChildProcess;
  /** Once it has the cluster. */
  readonly url: Promise<string>;
  /** Releases the cluster and ends the process in order. */
  leave(): Promise<void>;
  /** Ends the process without a release. */
  kill(): Promise<void>;
}

export function startClusterUser(data: string): ClusterUser {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'cluster-user.ts'), data], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const url = Promise.race([
    once(lines, 'line').then(([line]) => String(line)),
    exited.then(() => Promise.reject(new Error('the process ended without a cluster'))),
  ]);
  url.catch(() => undefined);
  return {
    process: child,
    url,
    leave: async () => {
      child.stdin.end();
      await exited;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Runs one statement on a connection of its own. */
export async function queryOnce<T extends QueryResultRow>(
  url: string,
  sql: string,
  parameters: unknown[] = [],
): Promise<T[]> {
  const client = new Client({ connectionString: url });
  // Whatever breaks breaks the query too.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<T>(sql, parameters)).rows;
  } finally {
    await client.end();
  }
}

/** A copy of the installed programs below another directory. */
export async function copyBinaries(root: string): Promise<PostgresBinaries> {
  const installed = await loadBinaries();
  const native = dirname(dirname(installed.postgres));
  const copy = join(root, 'package', 'native');
  await cp(native, copy, { recursive: true, verbatimSymlinks: true });
  const moved = (path: string): string => join(copy, path.slice(native.length));
  return {
    pg_ctl: moved(installed.pg_ctl),
    initdb: moved(installed.initdb),
    postgres: moved(installed.postgres),
  };
}

/** The error that a failing call ends with. */
export async function failureOf(call: Promise<unknown>): Promise<Failure> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof Failure) return error;
  throw new Error('not a Failure', { cause: error });
}

export async function until(what: string, met: () => Promise<boolean>): Promise<void> {
  for (let poll = 0; poll < 1_200; poll += 1) {
    if (await met()) return;
    await delay(25);
  }
  throw new Error(`not within 30 s: ${what}`);
}
