import { createHash } from 'node:crypto';
import { columnNamed } from '../definitions/emulated-table.ts';
import type { DataverseStore } from './dataverse-store.ts';
import type { WireInput } from './wire-value.ts';

/** The bytes of a body. A `Buffer` is one. Large bodies may be calculated. */
export interface BodyBytes {
  readonly length: number;
  subarray(from: number, to: number): Buffer;
}

/** What somebody uploads. */
export interface UploadedBody {
  readonly bytes: BodyBytes;
  readonly name: string;
  readonly mimeType: string;
}

/** Ticks of the first image. They are beyond what a JavaScript number holds. */
const FIRST_TICKS = 637_388_308_718_090_885n;
/** Bytes of a thumbnail. */
const THUMBNAIL = 1_024;

/** Bodies of files and images, by what rows name. A body never changes: another upload has another id or time stamp, so a store that was reset still has what its rows name. */
export class FileBodies {
  readonly #bodies = new Map<string, UploadedBody>();
  readonly #lost = new Set<string>();
  #ticks = FIRST_TICKS;

  /** The body of a file, by its id. Rows that nobody uploaded a body for, such as seeded ones, have an invented one. */
  file(id: string): UploadedBody | undefined {
    return this.#lost.has(id) ? undefined : (this.#bodies.get(id) ?? inventedBody(id));
  }

  /** Loses the body of a file, as a broken storage does. Rows still name it. */
  lose(id: string): void {
    this.#lost.add(id);
  }

  /** The body of an image, by its id and its time stamp. */
  image(id: string, timestamp: string): UploadedBody | undefined {
    return this.#bodies.get(`${id}/${timestamp}`);
  }

  /** @returns the values of the row's columns. */
  putFile(column: string, id: string, body: UploadedBody): Record<string, WireInput> {
    this.#bodies.set(id, body);
    return { [column]: id, [`${column}_name`]: body.name };
  }

  /** @returns the values of the row's columns. */
  putImage(column: string, id: string, body: UploadedBody): Record<string, WireInput> {
    this.#ticks += 1n;
    const timestamp = this.#ticks;
    this.#bodies.set(`${id}/${timestamp}`, body);
    return {
      [column]: thumbnailOf(body).toString('base64'),
      [`${column}id`]: id,
      [`${column}_timestamp`]: timestamp,
      [`${column}_url`]: `/Image/download.aspx?Attribute=${column}&Id=${id}&Timestamp=${timestamp}`,
    };
  }
}

/**
 * Puts a body into a File or Image column of a row, which gives the row a new version. A file gets a new id. Of an image
 * the time stamp changes, and its id too unless `keepsId`.
 */
export function uploadBody(
  store: DataverseStore,
  [table, id, column]: readonly [table: string, id: string, column: string],
  body: UploadedBody,
  keepsId = false,
): void {
  const data = store.data(table);
  const isImage = columnNamed(data.definition, column)?.kind === 'Image';
  const before = data.rows.get(id)?.literals[data.positionOf(isImage ? `${column}id` : column)];
  const named = keepsId && before ? (JSON.parse(before) as string) : store.random.guid();
  const { bodies } = store;
  const values = isImage ? bodies.putImage(column, named, body) : bodies.putFile(column, named, body);
  store.update(table, id, values);
}

/** A real thumbnail is another picture. Here it is the beginning of the body, so that tests tell the two apart. */
export function thumbnailOf({ bytes }: UploadedBody): Buffer {
  return bytes.subarray(0, Math.min(bytes.length, THUMBNAIL));
}

/** Half a kilobyte to some kilobytes, the same for each call. */
function inventedBody(id: string): UploadedBody {
  const hash = createHash('sha256').update(id).digest();
  const length = 512 + (hash.readUInt16LE(0) % 8_192);
  return { bytes: Buffer.alloc(length, hash), name: `${id}.bin`, mimeType: 'application/octet-stream' };
}
