import { createHash, randomUUID, type Hash } from 'node:crypto';
import { mkdir, open, readdir, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { BodyTarget } from '../../../dataverse/files/file-download.ts';
import { unusable } from './unusable-place.ts';

/** A body in a file of its own, whose content is complete and known. */
export interface SpooledBody {
  readonly path: string;
  /** In hexadecimal. */
  readonly sha256: string;
  readonly bytes: number;
}

const ENDING = '.part';
/** Milliseconds after which a body that still comes belongs to a process that was killed. */
const ABANDONED = 24 * 3_600_000;

/** Takes a body that comes piece by piece into a file with a temporary name, and calculates its hash meanwhile. */
export class Spool implements BodyTarget {
  readonly path: string;
  bytes = 0;
  private readonly handle: FileHandle;
  private hash: Hash = createHash('sha256');
  private isOpen = true;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.handle = handle;
  }

  /** @throws Failure `files-place-unusable` */
  static async open(folder: string): Promise<Spool> {
    return usable(folder, async () => {
      await mkdir(folder, { recursive: true });
      const path = join(folder, `${randomUUID()}${ENDING}`);
      return new Spool(path, await open(path, 'wx'));
    });
  }

  async write(piece: Uint8Array): Promise<void> {
    await usable(this.path, async () => {
      // One call may write a part only.
      for (let written = 0; written < piece.length;) {
        const { bytesWritten } = await this.handle.write(
          piece,
          written,
          piece.length - written,
          this.bytes + written,
        );
        written += bytesWritten;
      }
    });
    this.hash.update(piece);
    this.bytes += piece.length;
  }

  async restart(): Promise<void> {
    await usable(this.path, async () => this.handle.truncate(0));
    this.hash = createHash('sha256');
    this.bytes = 0;
  }

  /** Ends the body. Its bytes survive a crash of the machine from here on. */
  async finish(): Promise<SpooledBody> {
    await usable(this.path, async () => {
      await this.handle.sync();
      await this.close();
    });
    return { path: this.path, sha256: this.hash.digest('hex'), bytes: this.bytes };
  }

  /** Removes the file, unless it has got its final name. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close().catch(() => undefined);
    await rm(this.path, { force: true }).catch(() => undefined);
  }

  private async close(): Promise<void> {
    if (!this.isOpen) return;
    this.isOpen = false;
    await this.handle.close();
  }
}

/** Removes what processes left behind that were killed. A folder that is not there has nothing. */
export async function clearSpool(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((each) => each.endsWith(ENDING))) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || Date.now() - found.mtimeMs < ABANDONED) continue;
    await rm(path, { force: true }).catch(() => undefined);
  }
}

async function usable<T>(place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw unusable(`A body cannot be written to ${place}`, error);
  }
}
