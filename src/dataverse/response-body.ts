import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

export interface BodyLimits {
  /** Bytes, decompressed: what is larger is not read on. */
  readonly largest: number;
  /** Bytes that are likely to come. */
  readonly expected?: number;
  /** Milliseconds without a byte after which nothing more is waited for. */
  readonly idleTimeout: number;
}

/** The answer is larger than what was allowed; the rest of it was not read. */
export class AnswerTooLarge extends Error {
  /** Entries that had begun to come. */
  readonly entries: number;
  /** Bytes that were allowed. */
  readonly allowed: number;

  constructor(allowed: number, entries: number) {
    super(`The answer is larger than ${allowed} bytes.`);
    this.name = 'AnswerTooLarge';
    this.entries = entries;
    this.allowed = allowed;
  }
}

/** Nothing came for too long in the middle of an answer. */
class IdleTimeout extends Error {
  constructor(milliseconds: number) {
    super(`Nothing came for ${milliseconds} ms.`);
    this.name = 'TimeoutError';
  }
}

/** Most answers are smaller. */
const SMALL = 64 * 1024;

/**
 * The whole body, decompressed, in one piece of memory: chunks that are joined at the end would take
 * twice as much.
 *
 * @throws AnswerTooLarge, IdleTimeout, and the system's error when the connection breaks before the
 *   last byte or the compression is not whole.
 */
export async function readBody(response: IncomingMessage, limits: BodyLimits): Promise<Uint8Array> {
  const { largest, expected = 0, idleTimeout } = limits;
  const stream = decoded(response);
  const announced = stream === response ? Number(response.headers['content-length'] ?? 0) : 0;
  const idle = setTimeout(() => stream.destroy(new IdleTimeout(idleTimeout)), idleTimeout);
  let body: Buffer = Buffer.allocUnsafeSlow(
    Math.min(largest, announced > 0 ? announced : Math.max(expected, SMALL)),
  );
  let length = 0;
  try {
    for await (const piece of stream) {
      idle.refresh();
      const chunk = piece as Buffer;
      const needed = length + chunk.length;
      if (needed > largest) throw new AnswerTooLarge(largest, entriesIn(body.subarray(0, length)));
      if (needed > body.length) body = grown(body, length, Math.max(needed, Math.min(largest, 2 * needed)));
      length += chunk.copy(body, length);
    }
    return body.subarray(0, length);
  } catch (error) {
    // Ending the loop ends the decompression, not the connection behind it.
    response.destroy();
    throw error;
  } finally {
    clearTimeout(idle);
  }
}

function decoded(response: IncomingMessage): Readable {
  if (response.headers['content-encoding'] !== 'gzip') return response;
  const gunzip = createGunzip();
  response.on('error', (error) => gunzip.destroy(error));
  return response.pipe(gunzip);
}

function grown(body: Buffer, length: number, size: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(size);
  body.copy(larger, 0, 0, length);
  return larger;
}

const ROW = '"@odata.etag":';
const TOMBSTONE = '/$deletedEntity"';

function entriesIn(bytes: Buffer): number {
  return occurrences(bytes, ROW) + occurrences(bytes, TOMBSTONE);
}

function occurrences(bytes: Buffer, text: string): number {
  let count = 0;
  for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at + text.length)) count++;
  return count;
}
