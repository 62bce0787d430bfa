import type { IncomingMessage } from 'node:http';
import { finished } from 'node:stream/promises';
import { decoded } from './content-coding.ts';
import { collectYoungest } from './minor-collection.ts';
import { PageBuffers } from './page-buffers.ts';

export interface BodyLimits {
  /** Bytes, decompressed: what is larger is not read on. */
  readonly largest: number;
  /** Bytes that are likely to come: memory for them is taken at once. */
  readonly expected?: number;
  /** Milliseconds without a byte after which nothing more is waited for. */
  readonly idleTimeout: number;
  /** Where the memory comes from; new memory without it. */
  readonly buffers?: PageBuffers;
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

/** Bytes of used-up pieces that may come together before they are collected. */
const GARBAGE = 8 * 1024 * 1024;

/** Most answers are smaller. */
const SMALL = 64 * 1024;

/**
 * The whole body, decompressed, in one piece of memory: chunks that are joined at the end would take
 * twice as much.
 *
 * @throws AnswerTooLarge, UnknownCoding, IdleTimeout, and the system's error when the connection breaks
 *   before the last byte or the compression is not whole.
 */
export async function readBody(response: IncomingMessage, limits: BodyLimits): Promise<Uint8Array> {
  const { largest, expected = 0, idleTimeout, buffers = new PageBuffers() } = limits;
  const stream = decoded(response);
  const announced = stream === response ? Number(response.headers['content-length'] ?? 0) : 0;
  const idle = setTimeout(() => stream.destroy(new IdleTimeout(idleTimeout)), idleTimeout);
  let body = Buffer.from(
    buffers.take(Math.min(largest, announced > 0 ? announced : Math.max(expected, SMALL))),
  );
  let length = 0;
  let garbage = 0;
  stream.on('data', (chunk: Buffer) => {
    idle.refresh();
    const needed = length + chunk.length;
    if (needed > largest) {
      stream.destroy(new AnswerTooLarge(largest, entriesIn(body.subarray(0, length))));
      return;
    }
    if (needed > body.length) {
      const larger = Buffer.from(buffers.take(Math.min(largest, 2 * needed)));
      larger.set(body.subarray(0, length));
      buffers.give(body.buffer);
      body = larger;
    }
    body.set(chunk, length);
    length = needed;
    garbage += chunk.length;
    if (garbage < GARBAGE) return;
    garbage = 0;
    collectYoungest();
  });
  try {
    // A decoder that no byte came to is not ended on its other side.
    await finished(stream, { writable: false });
    return body.subarray(0, length);
  } catch (error) {
    // Ending the decompression does not end the connection behind it.
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
