import { mkdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { Failure } from '../model/failure.ts';
import { loadBinaries, makeRunnable, type PostgresBinaries } from './binaries.ts';
import { CLUSTER_NAME, clusterPaths, OWN_SERVER_REMEDY, unusable } from './cluster.ts';
import { ensureDataDirectory } from './data-directory.ts';
import type { Cluster } from './program.ts';
import { serverAccount } from './server-account.ts';
import { readPostmaster, START_SECONDS, startServer, stopServer } from './server.ts';

/**
 * PostgreSQL itself keeps order among the processes that use one server, so that a killed process leaves no
 * lock behind. Its postmaster.pid lets only one server run in a data directory. Each process that uses the
 * server holds this advisory lock, shared, on a connection of its own. The last one gets the lock for itself
 * and keeps it while it stops the server, so that no process can join meanwhile.
 */
const IN_USE = `hashtext('mirrorverse: embedded PostgreSQL in use')`;
const JOIN = `select pg_advisory_lock_shared(${IN_USE})`;
const LEAVE = `select pg_advisory_unlock_shared(${IN_USE}), pg_try_advisory_lock(${IN_USE}) as last`;
const OTHERS = `select count(*)::int as others from pg_stat_activity
                 where backend_type = 'client backend' and pid <> pg_backend_pid()`;

/** The server may still list connections that we closed a moment ago. */
const LINGER_POLLS = 10;
const LINGER_POLL_MS = 50;

/** Codes of errors that pass: no connection, or a connection that a start or a stop ended (class 57P). */
const PASSING = /^(E[A-Z]|57P|undefined$)/;
const POLL_MS = 100;

/** How often we try to start a server. Another process can take its port, or stop it again at once. */
const STARTS = 5;

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
  /** The data directory; password, configuration and log lie beside it. */
  readonly directory: string;
  /** PostgreSQL parameters, used if this call starts the server. */
  readonly settings?: Record<string, string>;
  readonly signal?: AbortSignal;
  /** Other programs than those of the installed npm package. */
  readonly binaries?: PostgresBinaries;
}

/**
 * Joins the server that runs in the data directory, or starts one; makes the cluster the first time.
 *
 * @throws Failure `embedded-postgres`; the reason of `signal`
 */
export async function openEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { signal, settings = {} } = options;
  const paths = clusterPaths(options.directory);
  try {
    const binaries = options.binaries ?? (await loadBinaries());
    await mkdir(paths.parent, { recursive: true });
    const account = await serverAccount(paths, binaries);
    return await use({ paths, binaries, account, settings }, signal);
  } catch (error) {
    if (error instanceof Failure || signal?.aborted === true) throw error;
    // Usually we may not read or write a file, or may not run a program.
    const reason = error instanceof Error ? error.message : String(error);
    throw unusable(reason, `run as a user who may write to ${paths.parent}, or ${OWN_SERVER_REMEDY}`, error);
  }
}

async function use(cluster: Cluster, signal: AbortSignal | undefined): Promise<EmbeddedPostgres> {
  let joined = await join(cluster, signal);
  for (let starts = 1; joined === undefined; starts += 1) {
    await makeRunnable(cluster.binaries);
    await ensureDataDirectory(cluster, signal);
    const failed = await startServer(cluster);
    joined = await join(cluster);
    if (joined === undefined && starts === STARTS) {
      const reason =
        failed === undefined ? 'it stops right after its start' : `it does not start:\n${failed}`;
      throw unusable(reason, `see ${cluster.paths.log}, or ${OWN_SERVER_REMEDY}`);
    }
  }
  const { client, url } = joined;
  try {
    signal?.throwIfAborted();
    // duplicate_database, or unique_violation where two processes create it at once.
    await client.query(`create database ${CLUSTER_NAME}`).catch((error: { readonly code?: string }) => {
      if (error.code !== '42P04' && error.code !== '23505') throw error;
    });
  } catch (error) {
    await leave(cluster, client);
    throw error;
  }
  let released: Promise<void> | undefined;
  return { url, psqlCommand: `psql ${url}`, release: async () => (released ??= leave(cluster, client)) };
}

/**
 * Connects to the server that runs in the data directory, as one of its users, and waits while the server starts
 * up or shuts down.
 *
 * @returns the connection, and the address of our database; undefined when no server runs
 */
async function join(
  { paths }: Cluster,
  signal?: AbortSignal,
): Promise<{ client: Client; url: string } | undefined> {
  const deadline = Date.now() + START_SECONDS * 1_000;
  for (;;) {
    signal?.throwIfAborted();
    const postmaster = await readPostmaster(paths.data);
    if (postmaster === undefined) return undefined;
    const { pid, port } = postmaster;
    // A password that cannot be read is refused like a wrong one, with the same remedy.
    const password = (await readFile(paths.password, 'utf8').catch(() => 'unknown')).trim();
    const server = `postgres://${CLUSTER_NAME}:${password}@127.0.0.1:${port}`;
    // The database that always exists.
    const client = new Client({ connectionString: `${server}/postgres`, connectionTimeoutMillis: 5_000 });
    // The next query notices by itself that the server has ended the connection.
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query(JOIN);
      return { client, url: `${server}/${CLUSTER_NAME}` };
    } catch (error) {
      await client.end().catch(() => undefined);
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (!PASSING.test(String(code)) || Date.now() > deadline) {
        throw unusable(
          `its server (process ${pid}, port ${port}) does not let us in: ${String(error)}`,
          `restore ${paths.password}, or stop process ${pid} and delete ${paths.data} to begin again`,
          error,
        );
      }
    }
    await delay(POLL_MS);
  }
}

async function leave(cluster: Cluster, client: Client): Promise<void> {
  await client.end().catch(() => undefined);
  // A new connection, because a server that restarts itself after a crash has ended the old one.
  const connection = await join(cluster);
  if (connection === undefined) return;
  try {
    if (await isLast(connection.client)) await stopServer(cluster);
  } finally {
    await connection.client.end().catch(() => undefined);
  }
}

/** Whether no other process uses the server and no other client, such as psql, is connected. */
async function isLast(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ last: boolean }>(LEAVE);
  for (let poll = 0; poll < LINGER_POLLS && rows[0]?.last === true; poll += 1) {
    const counted = await client.query<{ others: number }>(OTHERS);
    if (counted.rows[0]?.others === 0) return true;
    await delay(LINGER_POLL_MS);
  }
  return false;
}
