import { randomBytes } from 'node:crypto';
import { appendFile, link, mkdtemp, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CLUSTER_NAME, OWN_SERVER_REMEDY, unusable } from './cluster.ts';
import { giveTo, runProgram, type Cluster } from './program.ts';

const UNFINISHED = '.unfinished-';

/**
 * Makes the data directory unless it exists. Several processes may do so at once: the first that has finished
 * wins, and the others use its directory.
 *
 * @throws Failure `embedded-postgres`; the reason of `signal`
 */
export async function ensureDataDirectory(cluster: Cluster, signal: AbortSignal | undefined): Promise<void> {
  const { parent, data } = cluster.paths;
  if (!(await isDataDirectory(data))) await makeDataDirectory(cluster, signal);
  // A killed process leaves its directory. If its initdb still runs, a later start removes the rest.
  for (const name of await readdir(parent)) {
    if (name.startsWith(`${basename(data)}${UNFINISHED}`)) await remove(join(parent, name));
  }
}

/** initdb works beside the final name, so that the directory of that name is complete, however initdb ends. */
async function makeDataDirectory(cluster: Cluster, signal: AbortSignal | undefined): Promise<void> {
  const { paths, account } = cluster;
  const unfinished = await mkdtemp(`${paths.data}${UNFINISHED}`);
  try {
    await giveTo(account, unfinished);
    await ensurePassword(cluster, join(unfinished, 'password'));
    await runInitdb(cluster, unfinished, signal);
    const include = `include = '../${basename(paths.configuration).replaceAll("'", "''")}'`;
    await appendFile(join(unfinished, 'postgresql.conf'), `\n${include}\n`);
    // Windows does not rename onto a directory, not even an empty one.
    await rmdir(paths.data).catch(() => undefined);
    await rename(unfinished, paths.data);
  } catch (error) {
    signal?.throwIfAborted();
    if (!(await isDataDirectory(paths.data))) throw error;
  } finally {
    await remove(unfinished);
  }
}

async function remove(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
}

async function isDataDirectory(data: string): Promise<boolean> {
  return (await readdir(data).catch((): string[] => [])).includes('PG_VERSION');
}

/** Makes a random password beside the data directory, where initdb reads it, unless there is one. */
async function ensurePassword({ paths, account }: Cluster, draft: string): Promise<void> {
  await writeFile(draft, randomBytes(18).toString('base64url'), { mode: 0o600 });
  // A link, because it appears whole and never replaces the password of another process.
  await link(draft, paths.password).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await rm(draft);
  await giveTo(account, paths.password);
}

async function runInitdb(cluster: Cluster, directory: string, signal?: AbortSignal): Promise<void> {
  const { paths, binaries, settings } = cluster;
  const options = [
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
  ];
  const failed = await runProgram(binaries.initdb, options, cluster, signal);
  if (failed === undefined) return;
  throw unusable(`initdb failed:\n${failed}`, `see ${paths.log}, or ${OWN_SERVER_REMEDY}`);
}
