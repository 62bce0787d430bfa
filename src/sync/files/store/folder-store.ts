import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorCode } from '../../../model/error-description.ts';
import type { Failure } from '../../../model/failure.ts';
import { bodyLocation, bodyName, type FolderPlace } from '../../../model/files/file-place.ts';
import type { BodyStore } from './body-store.ts';
import { unusable } from './unusable-place.ts';

/** Bodies that still come. They have the file system of their final names, so that a rename is one step. */
const SPOOL = '.incoming';

/** Keeps bodies in a folder, two levels deep: `ab/cdef…`. */
export function createFolderStore(place: FolderPlace): BodyStore {
  const pathOf = (sha256: string): string => join(place.path, bodyName(sha256));
  return {
    spoolFolder: join(place.path, SPOOL),
    location: (sha256) => bodyLocation(place, sha256),
    async has(sha256, bytes) {
      try {
        return (await stat(pathOf(sha256))).size === bytes;
      } catch (error) {
        if (isNothing(error)) return false;
        throw unusable(`The folder ${place.path} cannot be read`, error);
      }
    },
    async put({ path, sha256 }) {
      const target = pathOf(sha256);
      try {
        await mkdir(dirname(target), { recursive: true });
        await rename(path, target);
        await syncFolder(dirname(target));
      } catch (error) {
        throw unusable(`A body cannot be stored in ${place.path}`, error);
      }
    },
    async remove(sha256) {
      try {
        await rm(pathOf(sha256), { force: true });
      } catch (error) {
        if (!isNothing(error)) throw unusable(`A body cannot be removed from ${place.path}`, error);
      }
    },
    async probe(): Promise<Failure | undefined> {
      const path = join(place.path, SPOOL, `probe-${randomUUID()}`);
      const target = join(place.path, `.probe-${randomUUID()}`);
      try {
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, 'mirrorverse');
        await rename(path, target);
        await readFile(target);
        return undefined;
      } catch (error) {
        return unusable(`The folder ${place.path} cannot be used`, error);
      } finally {
        await rm(path, { force: true }).catch(() => undefined);
        await rm(target, { force: true }).catch(() => undefined);
      }
    },
    close: () => undefined,
  };
}

function isNothing(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** Makes a new name survive a crash of the machine. Some file systems cannot do that for a folder, and need not. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } catch (error) {
    if (errorCode(error) !== 'EINVAL' && errorCode(error) !== 'EPERM') throw error;
  } finally {
    await folder.close();
  }
}
