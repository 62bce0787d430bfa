import { appendFile, mkdtemp, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { PostgresBinaries } from './binaries.ts';
import { CLUSTER_NAME } from './cluster-database.ts';
import type { ClusterPaths } from './cluster-paths.ts';
import type { ServerSettings } from './configuration.ts';
import { EmbeddedPostgresError, errorCode, OWN_SERVER_REMEDY } from './embedded-postgres-error.ts';
import { logEnd, logTail } from './log-tail.ts';
import { createPassword } from './password.ts';
import { runProgram } from './run-program.ts';
import { giveTo, type ServerAccount } from './server-account.ts';

const UNFINISHED = '.unfinished-';

/** What is needed to make or run the server of one cluster. */
export interface Cluster {
  readonly paths: ClusterPaths;
  readonly binaries: PostgresBinaries;
  readonly account: ServerAccount | undefined;
  readonly settings: ServerSettings;
}

/**
 * Makes the data directory unless it exists. initdb works beside it, so that a directory under the final
 * name is always a complete one, however initdb ends.
 */
export async function ensureDataDirectory(cluster: Cluster, signal: AbortSignal | undefined): Promise<void> {
  const { paths, account } = cluster;
  if (await isDataDirectory(paths.data)) return;
  await removeUnfinished(paths);
  // A name of its own: when our process was killed, its initdb may still be at work.
  const unfinished = await mkdtemp(`${paths.data}${UNFINISHED}`);
  try {
    await giveTo(account, unfinished);
    await createPassword(paths.password, account);
    await runInitdb(cluster, unfinished, signal);
    await appendFile(
      join(unfinished, 'postgresql.conf'),
      `\ninclude = '../${basename(paths.configuration).replaceAll("'", "''")}'\n`,
    );
    // Windows does not rename onto a directory, not even an empty one.
    await rmdir(paths.data).catch(() => undefined);
    await rename(unfinished, paths.data);
  } catch (error) {
    await removeUnfinished(paths);
    throw error;
  }
}

/** As far as possible; what a still running initdb keeps making is removed by a later start. */
async function removeUnfinished({ parent, data }: ClusterPaths): Promise<void> {
  const prefix = `${basename(data)}${UNFINISHED}`;
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue;
    await rm(join(parent, name), { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
  }
}

async function isDataDirectory(data: string): Promise<boolean> {
  const entries = await readdir(data).catch((error: unknown): string[] => {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  });
  if (entries.length === 0) return false;
  if (entries.includes('PG_VERSION')) return true;
  throw new EmbeddedPostgresError(
    `${data} is not empty, and not a PostgreSQL data directory`,
    `delete it, or ${OWN_SERVER_REMEDY}`,
  );
}

async function runInitdb(
  cluster: Cluster,
  directory: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { paths, binaries, account, settings } = cluster;
  const start = await logEnd(paths.log);
  const code = await runProgram(
    binaries.initdb,
    [
      `--pgdata=${directory}`,
      `--username=${CLUSTER_NAME}`,
      `--pwfile=${paths.password}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      // The builtin provider sorts the same everywhere; libc's C.UTF-8 does not exist on every system.
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--no-instructions',
      ...(settings['fsync'] === 'off' ? ['--no-sync'] : []),
    ],
    { account, log: paths.log, signal },
  );
  if (code === 0) return;
  throw new EmbeddedPostgresError(
    `initdb failed (exit code ${code}):\n${await logTail(paths.log, start)}`,
    `see ${paths.log}, or ${OWN_SERVER_REMEDY}`,
  );
}
