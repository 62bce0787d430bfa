import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A user without any groups but its own. */
export interface FileUser {
  readonly uid: number;
  readonly gid: number;
}

/** Whether a user may read a file, or enter a directory, and enter all directories above it. */
export async function isReachable(path: string, user: FileUser): Promise<boolean> {
  const real = await realpath(path).catch(() => undefined);
  // A file that is missing is reported by the program that wants it.
  if (real === undefined) return true;
  return (await isOpen(path, user)) && (real === path || (await isOpen(real, user)));
}

async function isOpen(path: string, user: FileUser): Promise<boolean> {
  const entry = await stat(path);
  const shift = entry.uid === user.uid ? 6 : entry.gid === user.gid ? 3 : 0;
  const needed = entry.isDirectory() ? 0o1 : 0o4;
  if (((entry.mode >> shift) & needed) === 0) return false;
  const above = dirname(path);
  return above === path || isOpen(above, user);
}
