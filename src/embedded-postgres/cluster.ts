import { access, constants, mkdir } from 'node:fs/promises';
import { loadBinaries, makeExecutable, type PostgresBinaries } from './binaries.ts';
import { clusterUrl, ensureDatabase } from './cluster-database.ts';
import { withClusterLock } from './cluster-lock.ts';
import { clusterPaths } from './cluster-paths.ts';
import { ensureDataDirectory, type Cluster } from './data-directory.ts';
import { EmbeddedPostgresError } from './embedded-postgres-error.ts';
import { joinServer, type Joined } from './join.ts';
import { makeLibraryLinks } from './library-links.ts';
import { rotateLog } from './log-tail.ts';
import { isAlone, type Presence } from './presence.ts';
import { serverAccount } from './server-account.ts';
import { startServer, stopServer } from './server-process.ts';

/** A running PostgreSQL server that this process uses, perhaps together with others. */
export interface EmbeddedPostgres {
  /** For `pg`: postgres://… */
  readonly url: string;
  /** For the user, to look inside. */
  readonly psqlCommand: string;
  /** Ends the use; stops the server if nobody else is connected. Close your own connections before. */
  release(): Promise<void>;
}

/** Where the cluster lies and how it runs. */
export interface EmbeddedPostgresOptions {
  /** The data directory; password, configuration, log and lock lie beside it. */
  readonly directory: string;
  /** PostgreSQL parameters, used if this call starts the server. */
  readonly settings?: Record<string, string>;
  readonly signal?: AbortSignal;
  /** Other programs than those of the installed npm package. */
  readonly binaries?: PostgresBinaries;
}

/** Joins the server that runs in the data directory, or starts one, making the cluster the first time. */
export async function openEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { signal, settings = {} } = options;
  signal?.throwIfAborted();
  const paths = clusterPaths(options.directory);
  const binaries = options.binaries ?? (await loadBinaries());
  await prepareParent(paths.parent);
  return withClusterLock(paths.lock, signal, async () => {
    const cluster = { paths, binaries, account: await serverAccount(paths, binaries), settings };
    const joined = (await joinServer(paths, signal)) ?? (await startAndJoin(cluster, signal));
    return use(cluster, joined);
  });
}

async function prepareParent(parent: string): Promise<void> {
  try {
    await mkdir(parent, { recursive: true });
    await access(parent, constants.W_OK);
  } catch (error) {
    throw new EmbeddedPostgresError(
      `the directory ${parent} for the embedded PostgreSQL cannot be written`,
      `run where you may write, or as the user who made ${parent}`,
      { cause: error },
    );
  }
}

async function startAndJoin(cluster: Cluster, signal: AbortSignal | undefined): Promise<Joined> {
  await makeExecutable(cluster.binaries);
  await makeLibraryLinks(cluster.binaries);
  await rotateLog(cluster.paths.log);
  await ensureDataDirectory(cluster, signal);
  await startServer(cluster, signal);
  try {
    const joined = await joinServer(cluster.paths, signal);
    if (joined !== undefined) return joined;
  } catch (error) {
    await stopServer(cluster);
    throw error;
  }
  throw new EmbeddedPostgresError(
    'the embedded PostgreSQL stopped again right after its start',
    `see ${cluster.paths.log}`,
  );
}

async function use(cluster: Cluster, { port, password, presence }: Joined): Promise<EmbeddedPostgres> {
  try {
    await ensureDatabase(presence.client);
  } catch (error) {
    await leave(cluster, presence);
    throw error;
  }
  presence.socket.unref();
  const url = clusterUrl(port, password);
  let released: Promise<void> | undefined;
  const release = async (): Promise<void> => {
    released ??= withClusterLock(cluster.paths.lock, undefined, async () => leave(cluster, presence));
    return released;
  };
  return { url, psqlCommand: `psql ${url}`, release };
}

/** Under the lock, so that no process can join between the look around and the stop. */
async function leave(cluster: Cluster, presence: Presence): Promise<void> {
  presence.socket.ref();
  const alone = await isAlone(presence).catch(() => undefined);
  await presence.client.end().catch(() => undefined);
  if (alone === true) return stopServer(cluster);
  if (alone === false) return undefined;
  // The server was stopped, or restarted itself after a crash; then it is ours to stop all the same.
  const again = await joinServer(cluster.paths, undefined);
  if (again !== undefined) await leave(cluster, again.presence);
  return undefined;
}
