import { randomUUID } from 'node:crypto';
import { readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { errorCode } from './embedded-postgres-error.ts';
import { isAlive } from './postmaster.ts';

const POLL_MS = 50;
const HEARTBEAT_MS = 2_000;
/** A holder in another container, whose pid says nothing here, is given up after this silence. */
const SILENT_MS = 10_000;

/**
 * Runs an action while no other process does so under the same lock file: joining, starting and stopping
 * the server. A lock left behind by a process that died is taken over.
 */
export async function withClusterLock<T>(
  file: string,
  signal: AbortSignal | undefined,
  action: () => Promise<T>,
): Promise<T> {
  const content = `${process.pid} ${hostname()} ${randomUUID()}`;
  while (!(await take(file, content))) {
    signal?.throwIfAborted();
    await removeIfStale(file);
    await delay(POLL_MS);
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch(() => undefined);
  }, HEARTBEAT_MS);
  heartbeat.unref();
  try {
    return await action();
  } finally {
    clearInterval(heartbeat);
    if ((await readLock(file)) === content) await rm(file, { force: true });
  }
}

async function take(file: string, content: string): Promise<boolean> {
  try {
    await writeFile(file, content, { flag: 'wx' });
    return true;
  } catch (error) {
    // Windows answers EPERM while the previous holder's file is being deleted.
    if (errorCode(error) === 'EEXIST' || (process.platform === 'win32' && errorCode(error) === 'EPERM')) {
      return false;
    }
    throw error;
  }
}

/** Removes a dead holder's lock; under a lock of its own, or two would remove each other's new lock. */
async function removeIfStale(file: string): Promise<void> {
  if (!(await isStale(file))) return;
  const removal = `${file}.removal`;
  if (!(await take(removal, String(process.pid)))) {
    const { mtimeMs } = await stat(removal).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > SILENT_MS) await rm(removal, { force: true });
    return;
  }
  try {
    if (await isStale(file)) await rm(file, { force: true });
  } finally {
    await rm(removal, { force: true });
  }
}

async function isStale(file: string): Promise<boolean> {
  const [content, status] = await Promise.all([readLock(file), stat(file).catch(() => undefined)]);
  if (status === undefined) return false;
  if (Date.now() - status.mtimeMs > SILENT_MS) return true;
  const [pid, host] = content?.split(' ') ?? [];
  return host === hostname() && !isAlive(Number(pid));
}

async function readLock(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined);
}
