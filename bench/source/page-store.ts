import { close, fdatasync, mkdtempSync, openSync, read, rmSync, write } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const readAt = promisify(read);
const writeAt = promisify(write);
const sync = promisify(fdatasync);

/** Bytes of an answer that stays in memory, because to read the disk takes longer than to send it. */
const SMALL = 16 * 1024;

interface Place {
  /** The body, if it is small. */
  readonly small: Buffer | undefined;
  readonly at: number;
  readonly length: number;
  /** Bytes before the compression. */
  readonly bytes: number;
}

/** Compressed pages on disk, so that the memory of the source does not grow with its tables. */
export class PageStore {
  private readonly directory = mkdtempSync(join(tmpdir(), 'mirrorverse-source-'));
  private readonly file = openSync(join(this.directory, 'pages'), 'w+');
  private readonly places = new Map<string, Place>();
  private end = 0;

  async put(key: string, body: Buffer, bytes: number): Promise<void> {
    const small = body.length <= SMALL ? body : undefined;
    const place = { small, at: this.end, length: body.length, bytes };
    if (small === undefined) {
      this.end += body.length;
      await writeAt(this.file, body, 0, body.length, place.at);
    }
    this.places.set(key, place);
  }

  async get(key: string): Promise<{ readonly body: Buffer; readonly bytes: number } | undefined> {
    const place = this.places.get(key);
    if (place === undefined) return undefined;
    if (place.small !== undefined) return { body: place.small, bytes: place.bytes };
    const body = Buffer.allocUnsafe(place.length);
    await readAt(this.file, body, 0, place.length, place.at);
    return { body, bytes: place.bytes };
  }

  has(key: string): boolean {
    return this.places.has(key);
  }

  /** Has all pages be on the disk, so that no write of them goes on while something is measured. */
  async settle(): Promise<void> {
    await sync(this.file);
  }

  remove(): void {
    close(this.file);
    rmSync(this.directory, { recursive: true, force: true });
  }
}
