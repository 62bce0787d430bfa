import type { IncomingMessage } from 'node:http';
import { finished } from 'node:stream/promises';
import { decoded } from './content-coding.ts';
import { createCollector } from './minor-collection.ts';
import { PageBuffers } from '../page/page-buffers.ts';

export interface BodyLimits {
  /** Bytes, decompressed: what is larger is not read on. */
  readonly largest: number;
  /** Bytes that are likely to come: memory for them is taken at once. */
  readonly expected?: number;
  /** Milliseconds without a byte after which nothing more is waited for. */
  readonly idleTimeout: number;
  /** Where the memory comes from; new memory without it. */
  readonly buffers?: PageBuffers;
  /** Told of the bytes of each piece once it is used up. */
  readonly usedUp?: (bytes: number) => void;
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
/** What does not fit any more goes into so many times the memory: some megabytes are copied at most. */
const GROWTH = 8;

/**
 * The whole body, decompressed, in one piece of memory: chunks that are joined at the end would take
 * twice as much.
 *
 * @throws AnswerTooLarge, MemoryShort, UnknownCoding, IdleTimeout, and the system's error when the connection
 *   breaks before the last byte or the compression is not whole.
 */
export async function readBody(response: IncomingMessage, limits: BodyLimits): Promise<Uint8Array> {
  const { largest, expected = 0, idleTimeout, buffers = new PageBuffers() } = limits;
  const { usedUp = createCollector() } = limits;
  buffers.restart();
  const stream = decoded(response);
  const announced = stream === response ? Number(response.headers['content-length'] ?? 0) : 0;
  const idle = setTimeout(() => stream.destroy(new IdleTimeout(idleTimeout)), idleTimeout);
  let body: Buffer<ArrayBuffer> = Buffer.alloc(0);
  let length = 0;
  const room = (bytes: number, needed: number): void => {
    const larger = Buffer.from(buffers.take(Math.min(largest, bytes), needed));
    larger.set(body.subarray(0, length));
    buffers.give(body.buffer);
    body = larger;
  };
  stream.on('data', (chunk: Buffer) => {
    idle.refresh();
    const needed = length + chunk.length;
    try {
      if (needed > largest) throw new AnswerTooLarge(largest, entriesIn(body.subarray(0, length)));
      if (needed > body.length) room(GROWTH * needed, needed);
      buffers.touch(body.buffer, needed);
    } catch (error) {
      stream.destroy(error as Error);
      return;
    }
    body.set(chunk, length);
    length = needed;
    usedUp(chunk.length);
  });
  try {
    // What is announced is there before it comes, or not even begun with.
    room(Math.max(announced || expected, SMALL), Math.min(announced, largest));
    // A decoder that no byte came to is not ended on its other side.
    await finished(stream, { writable: false });
    buffers.filled(body.buffer, length);
    return body.subarray(0, length);
  } catch (error) {
    // Ending the decompression does not end the connection behind it, nor the other way round.
    stream.destroy();
    response.destroy();
    throw error;
  } finally {
    clearTimeout(idle);
  }
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
