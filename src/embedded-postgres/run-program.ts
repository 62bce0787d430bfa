import { spawn, type ChildProcess } from 'node:child_process';
import { open } from 'node:fs/promises';
import { parse } from 'node:path';
import { EmbeddedPostgresError, OWN_SERVER_REMEDY } from './embedded-postgres-error.ts';
import { giveTo, PASS_CLOSED_DIRECTORIES, type ServerAccount } from './server-account.ts';

const INHERITED =
  /^(PATH|PATHEXT|(LD|DYLD)_LIBRARY_PATH|TMPDIR|TEMP|TMP|SystemRoot|SystemDrive|windir|ComSpec)$/i;

/** How a bundled program is run. */
export interface ProgramContext {
  readonly account: ServerAccount | undefined;
  /** Everything the program prints is appended to this file. */
  readonly log: string;
  readonly signal: AbortSignal | undefined;
}

/** Runs a bundled PostgreSQL program as the server's user to its end; resolves to its exit code. */
export async function runProgram(
  program: string,
  programArguments: readonly string[],
  { account, log, signal }: ProgramContext,
): Promise<number> {
  signal?.throwIfAborted();
  const [file, args] = commandLine(program, programArguments, account);
  const output = await open(log, 'a', 0o600);
  try {
    await giveTo(account, log);
    const child = spawn(file, args, {
      // A file instead of pipes: the server inherits it, and a pipe would stay open as long as it runs.
      stdio: ['ignore', output.fd, output.fd],
      // A session of its own, so that a Ctrl-C in the terminal reaches only us.
      detached: true,
      windowsHide: true,
      cwd: parse(program).root,
      env: environment(),
      ...(account !== undefined && !account.passesClosedDirectories
        ? { uid: account.uid, gid: account.gid }
        : {}),
    });
    const code = await exitCode(child, signal);
    signal?.throwIfAborted();
    return code;
  } catch (error) {
    signal?.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    throw new EmbeddedPostgresError(`${program} cannot be run: ${reason}`, OWN_SERVER_REMEDY, {
      cause: error,
    });
  } finally {
    await output.close();
  }
}

/** Waits for the end even of an aborted program: it cleans up what it has begun. */
async function exitCode(child: ChildProcess, signal: AbortSignal | undefined): Promise<number> {
  // pg_ctl and initdb undo their work on SIGINT.
  const interrupt = (): void => void child.kill('SIGINT');
  signal?.addEventListener('abort', interrupt, { once: true });
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => resolve(code ?? 1));
    });
  } finally {
    signal?.removeEventListener('abort', interrupt);
  }
}

function commandLine(
  program: string,
  programArguments: readonly string[],
  account: ServerAccount | undefined,
): [string, string[]] {
  if (account?.passesClosedDirectories !== true) return [program, [...programArguments]];
  return [
    'setpriv',
    [
      `--reuid=${account.uid}`,
      `--regid=${account.gid}`,
      '--clear-groups',
      ...PASS_CLOSED_DIRECTORIES,
      '--',
      program,
      ...programArguments,
    ],
  ];
}

/** Little of our environment: the server may outlive us, and is not to keep secrets or PG* variables. */
function environment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => INHERITED.test(name));
  return { ...Object.fromEntries(inherited), LC_ALL: 'C', TZ: 'UTC' };
}
