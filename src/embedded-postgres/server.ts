import { readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { unusable } from './cluster.ts';
import { writeConfiguration } from './configuration.ts';
import { runProgram, type Cluster } from './program.ts';

/** Recovery after a crash can take minutes. */
export const START_SECONDS = 600;
/** A log of more bytes is moved aside at the next start, to `<log>.1`. */
const LOG_BYTES = 5_000_000;

/**
 * Starts the server and waits until it is ready. Nothing interrupts the start, because another process may use
 * the server by then.
 *
 * @returns undefined after a success, otherwise the last lines that the server wrote
 */
export async function startServer(cluster: Cluster): Promise<string | undefined> {
  const { log } = cluster.paths;
  const { size } = await stat(log).catch(() => ({ size: 0 }));
  if (size > LOG_BYTES) await rename(log, `${log}.1`).catch(() => undefined);
  await writeConfiguration(cluster);
  return pgCtl(cluster, 'start', '-t', String(START_SECONDS), '-l', log);
}

/** Stops the server, ends its connections, and waits (a minute at most) until it has written everything down. */
export async function stopServer(cluster: Cluster): Promise<void> {
  const failed = await pgCtl(cluster, 'stop', '-m', 'fast');
  if (failed === undefined || (await readPostmaster(cluster.paths.data)) === undefined) return;
  throw unusable(`it did not stop:\n${failed}`, `see ${cluster.paths.log}`);
}

async function pgCtl(cluster: Cluster, ...command: string[]): Promise<string | undefined> {
  return runProgram(cluster.binaries.pg_ctl, [...command, '-s', '-w', '-D', cluster.paths.data], cluster);
}

/**
 * The server that runs in a data directory, as its postmaster.pid describes it; undefined if none runs. In the
 * first moment of a start the port is 0.
 */
export async function readPostmaster(data: string): Promise<{ pid: number; port: number } | undefined> {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '');
  const [pid = 0, , , port = 0] = text.split('\n').map(Number);
  return pid > 0 && (await isPostgres(pid)) ? { pid, port } : undefined;
}

/** Whether the process is a PostgreSQL server. After a crash any other program may have the recorded pid. */
async function isPostgres(pid: number): Promise<boolean> {
  if (process.platform === 'linux') {
    return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')) === 'postgres\n';
  }
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
