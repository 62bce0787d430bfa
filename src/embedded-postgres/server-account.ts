import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { PostgresBinaries } from './binaries.ts';
import { OWN_SERVER_REMEDY, unusable, type ClusterPaths } from './cluster.ts';

const run = promisify(execFile);

/** Prints the user and group of the first of the named users that exists. */
const FIRST_USER = 'for name do id -u "$name" && id -g "$name" && break; done; true';

/** Prints the first of the paths that the user of this script cannot enter or read. */
const FIRST_UNREACHABLE =
  'for path do if [ -d "$path" ]; then [ -x "$path" ]; else [ -r "$path" ]; fi || { printf %s "$path"; break; }; done';

/**
 * Options of setpriv that keep the one capability to pass a 0700 directory of root. The securebit makes
 * access(2), with which the programs find each other, heed the capability.
 */
const PASS_CLOSED_DIRECTORIES = [
  '--inh-caps=+dac_override',
  '--ambient-caps=+dac_override',
  '--securebits=+no_setuid_fixup',
];

/** The operating-system user of the server if we are root, because PostgreSQL refuses to run as root. */
export interface ServerAccount {
  readonly uid: number;
  readonly gid: number;
  /** The command before a program that lets this user pass closed directories; empty if none is closed. */
  readonly launcher: readonly string[];
}

/**
 * Chooses the user for the server: ours unless we are root; then the owner of the data directory, else
 * `postgres`, else `nobody`.
 *
 * @returns undefined for our own user
 * @throws Failure `embedded-postgres`
 */
export async function serverAccount(
  paths: ClusterPaths,
  binaries: PostgresBinaries,
): Promise<ServerAccount | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = await stat(paths.data).catch(() => undefined);
  const { uid, gid } = owner !== undefined && owner.uid !== 0 ? owner : await lookUp('postgres', 'nobody');
  const sought = ['-c', FIRST_UNREACHABLE, 'sh', paths.parent, binaries.postgres];
  const { stdout: unreachable } = await run('/bin/sh', sought, { uid, gid, cwd: '/' });
  if (unreachable === '') return { uid, gid, launcher: [] };
  await run('setpriv', [...PASS_CLOSED_DIRECTORIES, 'true']).catch((error: unknown) => {
    throw unusable(
      `PostgreSQL refuses to run as root, and the user it runs as (uid ${uid}) cannot reach ${unreachable}`,
      `install setpriv (util-linux), open the directories above (chmod o+x), run as an ordinary user, or ${OWN_SERVER_REMEDY}`,
      error,
    );
  });
  const identity = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
  return { uid, gid, launcher: ['setpriv', ...identity, ...PASS_CLOSED_DIRECTORIES, '--'] };
}

async function lookUp(...names: string[]): Promise<{ readonly uid: number; readonly gid: number }> {
  const { stdout } = await run('/bin/sh', ['-c', FIRST_USER, 'sh', ...names]);
  const [uid, gid] = stdout.split('\n', 2).map(Number);
  if (uid !== undefined && gid !== undefined) return { uid, gid };
  throw unusable(
    `PostgreSQL refuses to run as root, and there is no user ${names.join(' or ')} to run it as`,
    `run as an ordinary user, create a user postgres, or ${OWN_SERVER_REMEDY}`,
  );
}
