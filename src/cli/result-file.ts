import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { errorCode } from '../model/error-description.ts';
import { UsageError } from './command.ts';

/** Why a file cannot be written, by the code of the system's error. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'a part of the path is no folder',
  EACCES: 'it is not allowed to write there',
  EPERM: 'it is not allowed to write there',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
};

/** Why a file or a folder cannot be written, in words. */
export function whyUnwritable(error: unknown): string {
  const code = errorCode(error) ?? 'unknown';
  return REASONS[code] ?? code;
}

/**
 * A file that is written beside its place and then takes its place, so nobody ever reads half of it.
 *
 * Pieces go to the disk as they come.
 */
export class ResultFile {
  readonly path: string;
  private readonly draft: string;
  private readonly handle: FileHandle;

  private constructor(path: string, draft: string, handle: FileHandle) {
    this.path = path;
    this.draft = draft;
    this.handle = handle;
  }

  /**
   * Begins the file, so that a path that cannot be written is found before the work.
   *
   * @param option the option that names the file, for the error.
   * @throws UsageError
   */
  static async begin(path: string, option: string): Promise<ResultFile> {
    const target = resolve(path);
    const draft = join(dirname(target), `.${basename(target)}.${process.pid}.draft`);
    try {
      const before = await stat(target).catch(() => undefined);
      // The rename would put a plain file in the place of a device or a pipe.
      if (before?.isFile() === false) throw new UsageError(`${option} ${path} is no plain file.`);
      return new ResultFile(path, draft, await open(draft, 'w'));
    } catch (error) {
      if (error instanceof UsageError) throw error;
      throw new UsageError(`${option} ${path} cannot be written: ${whyUnwritable(error)}.`);
    }
  }

  /** Writes the pieces and puts the file in its place. */
  async write(pieces: AsyncIterable<string> | Iterable<string>): Promise<void> {
    for await (const piece of pieces) await this.handle.write(piece);
    await this.handle.sync();
    await this.handle.close();
    await rename(this.draft, this.path);
  }

  /** Removes what was not put in its place. */
  async discard(): Promise<void> {
    await this.handle.close().catch(() => undefined);
    await rm(this.draft, { force: true });
  }
}
