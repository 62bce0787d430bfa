import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, open } from 'node:fs/promises';
import { parse } from 'node:path';
import type { PostgresBinaries } from './binaries.ts';
import type { ClusterPaths } from './cluster.ts';
import type { ServerAccount } from './server-account.ts';

/** Everything that the programs of one cluster need. */
export interface Cluster {
  readonly paths: ClusterPaths;
  readonly binaries: PostgresBinaries;
  readonly account: ServerAccount | undefined;
  /** PostgreSQL parameters by name. */
  readonly settings: Readonly<Record<string, string>>;
}

/** The variables that programs get. The server may outlive us, and must not keep secrets or PG* variables. */
const INHERITED =
  /^(PATH|PATHEXT|(LD|DYLD)_LIBRARY_PATH|TMPDIR|TEMP|TMP|SystemRoot|SystemDrive|windir|ComSpec)$/i;
const TAIL_LINES = 15;

/**
 * Runs a bundled PostgreSQL program to its end, as the server's user. Its output goes to the cluster's log.
 *
 * @param signal interrupts the program; the call still waits for the program's end, because it cleans up
 * @returns undefined after a success, otherwise the last lines that were written to the log meanwhile
 * @throws the system's error when the program cannot be started; the reason of `signal`
 */
export async function runProgram(
  program: string,
  programArguments: readonly string[],
  { account, paths }: Cluster,
  signal?: AbortSignal,
): Promise<string | undefined> {
  signal?.throwIfAborted();
  const [file = program, ...args] = [...(account?.launcher ?? []), program, ...programArguments];
  const inherited = Object.entries(process.env).filter(([name]) => INHERITED.test(name));
  await using log = await open(paths.log, 'a+', 0o600);
  await giveTo(account, paths.log);
  const { size: start } = await log.stat();
  const child = spawn(file, args, {
    // A file instead of pipes: the server inherits it, and would keep a pipe open as long as it runs.
    stdio: ['ignore', log.fd, log.fd],
    // A session of its own, so that a Ctrl-C in the terminal reaches only us.
    detached: true,
    windowsHide: true,
    cwd: parse(program).root,
    env: { ...Object.fromEntries(inherited), LC_ALL: 'C', TZ: 'UTC' },
    ...(account?.launcher.length === 0 ? { uid: account.uid, gid: account.gid } : {}),
  });
  signal?.addEventListener('abort', () => child.kill('SIGINT'), { once: true });
  await once(child, 'exit');
  signal?.throwIfAborted();
  if (child.exitCode === 0) return undefined;
  const length = (await log.stat()).size - start;
  const { buffer } = await log.read(Buffer.alloc(length), 0, length, start);
  return buffer.toString().trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
}

/** Gives a file to the server's user, if that is not ours. */
export async function giveTo(account: ServerAccount | undefined, path: string): Promise<void> {
  if (account !== undefined) await chown(path, account.uid, account.gid);
}
