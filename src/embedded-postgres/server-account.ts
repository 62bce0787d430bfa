import { execFile } from 'node:child_process';
import { chown, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { PostgresBinaries } from './binaries.ts';
import type { ClusterPaths } from './cluster-paths.ts';
import { EmbeddedPostgresError, OWN_SERVER_REMEDY } from './embedded-postgres-error.ts';
import { isReachable, type FileUser } from './reachable.ts';

const run = promisify(execFile);

/**
 * Options of setpriv that keep the one capability to pass a 0700 directory of root. Without the securebit
 * access(2), by which the programs find each other, does not heed it.
 */
export const PASS_CLOSED_DIRECTORIES: readonly string[] = [
  '--inh-caps=+dac_override',
  '--ambient-caps=+dac_override',
  '--securebits=+no_setuid_fixup',
];

/** The operating-system user that the server runs as when we are root: PostgreSQL refuses to be root. */
export interface ServerAccount extends FileUser {
  /** The user may pass directories closed to it, because those above the checkout are root's alone. */
  readonly passesClosedDirectories: boolean;
}

/**
 * Chooses the user for the server: ours unless we are root; then the owner of the data directory, else
 * `postgres`, else `nobody`. Undefined means ours.
 */
export async function serverAccount(
  paths: ClusterPaths,
  binaries: PostgresBinaries,
): Promise<ServerAccount | undefined> {
  if (process.getuid === undefined) return undefined;
  const owner = await stat(paths.data).catch(() => undefined);
  const uid = process.getuid();
  if (uid !== 0) {
    if (owner === undefined || owner.uid === uid) return undefined;
    throw new EmbeddedPostgresError(
      `the data directory ${paths.data} belongs to another user (uid ${owner.uid}, we are ${uid})`,
      `run as that user or as root, or delete ${paths.data} to begin again`,
    );
  }
  const user =
    owner !== undefined && owner.uid !== 0
      ? { uid: owner.uid, gid: owner.gid }
      : ((await lookUp('postgres')) ?? (await lookUp('nobody')));
  if (user === undefined) {
    throw new EmbeddedPostgresError(
      'PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it as',
      `run as an ordinary user, create a user postgres, or ${OWN_SERVER_REMEDY}`,
    );
  }
  const unreachable = await firstUnreachable(paths, binaries, user);
  if (unreachable !== undefined && !(await canPassClosedDirectories())) {
    throw new EmbeddedPostgresError(
      `PostgreSQL refuses to run as root, and the user it runs as (uid ${user.uid}) cannot reach ${unreachable}`,
      `install setpriv (util-linux), open the directories above (chmod o+x), run as an ordinary user, or ${OWN_SERVER_REMEDY}`,
    );
  }
  return { ...user, passesClosedDirectories: unreachable !== undefined };
}

/** Gives a file to the server's user, if that is not ours. */
export async function giveTo(account: ServerAccount | undefined, path: string): Promise<void> {
  if (account !== undefined) await chown(path, account.uid, account.gid);
}

async function firstUnreachable(
  paths: ClusterPaths,
  binaries: PostgresBinaries,
  user: FileUser,
): Promise<string | undefined> {
  const native = dirname(dirname(binaries.postgres));
  const needed = [
    paths.parent,
    binaries.postgres,
    join(native, 'lib', 'postgresql'),
    join(native, 'share', 'postgresql', 'postgres.bki'),
  ];
  for (const path of needed) if (!(await isReachable(path, user))) return path;
  return undefined;
}

async function lookUp(name: string): Promise<FileUser | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return undefined;
  }
}

async function canPassClosedDirectories(): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  return run('setpriv', [...PASS_CLOSED_DIRECTORIES, 'true']).then(
    () => true,
    () => false,
  );
}
