import type { IncomingMessage } from 'node:http';
import { finished } from 'node:stream/promises';
import { decoded } from './content-coding.ts';
import { PageBuffers } from '../page/page-buffers.ts';

export interface BodyLimits {
  /** Bytes of the decompressed body. Reading stops beyond them. */
  readonly largest: number;
  /** Bytes that are likely to come. Memory for them is taken before they come. */
  readonly expected?: number;
  /** Milliseconds without a byte after which the wait ends. */
  readonly idleTimeout: number;
  /** Supplies the memory; without it, new memory is allocated. */
  readonly buffers?: PageBuffers;
  /** Reads the body while it comes. */
  readonly early?: EarlyReader;
  /** Called with the size of each piece that is no longer needed. */
  readonly usedUp?: (bytes: number) => void;
}

/** Reads a body while it comes. */
export interface EarlyReader {
  /** Another body begins. */
  restart(): void;
  /**
   * @param body all that has come.
   * @param whole bytes that the body is likely to have.
   */
  came(body: Uint8Array, whole: number): void;
}

/** The answer is larger than allowed; the rest of it was not read. */
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

/** An answer stopped coming in its middle. */
export class IdleTimeout extends Error {
  constructor(milliseconds: number) {
    super(`Nothing came for ${milliseconds} ms.`);
    this.name = 'TimeoutError';
  }
}

/** Bytes of memory to begin with; most answers are smaller. */
const SMALL = 64 * 1024;
/** Memory that is too small is replaced by so many times as much, so that only a few megabytes are copied. */
const GROWTH = 8;
/**
 * A body that outgrows what was expected is likely to end soon. V8 counts memory that nobody has written to as well,
 * and would collect the whole heap for eight times as much.
 */
const MORE = 1.25;

/**
 * Reads the whole decompressed body into one piece of memory. Joining chunks at the end would take twice the memory.
 *
 * @throws AnswerTooLarge, MemoryShort, UnknownCoding, IdleTimeout, and the system's error when the connection
 *   breaks before the last byte or the compressed data is not whole.
 */
export async function readBody(response: IncomingMessage, limits: BodyLimits): Promise<Uint8Array> {
  const { largest, expected = 0, idleTimeout, buffers = new PageBuffers(), early } = limits;
  buffers.restart();
  early?.restart();
  const stream = decoded(response, expected);
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
  let turn: NodeJS.Immediate | undefined;
  const readEarly = (reader: EarlyReader): void => {
    turn = undefined;
    try {
      reader.came(body.subarray(0, length), expected);
    } catch (error) {
      stream.destroy(error as Error);
    }
  };
  stream.on('data', (chunk: Buffer) => {
    idle.refresh();
    const needed = length + chunk.length;
    try {
      if (needed > largest) throw new AnswerTooLarge(largest, entriesIn(body.subarray(0, length)));
      if (needed > body.length) room((needed < MORE * expected ? MORE : GROWTH) * needed, needed);
      buffers.touch(body.buffer, needed);
      body.set(chunk, length);
      length = needed;
      // Not at once: the decoder begins with its next piece only after this.
      if (early !== undefined) turn ??= setImmediate(readEarly, early);
    } catch (error) {
      stream.destroy(error as Error);
      return;
    }
    limits.usedUp?.(chunk.length);
  });
  try {
    // Memory for the announced length is taken first, so that a body without room is refused before it comes.
    room(Math.max(announced || expected, SMALL), Math.min(announced, largest));
    // The writable side of a decoder that received no byte never ends.
    await finished(stream, { writable: false });
    buffers.filled(body.buffer, length);
    return body.subarray(0, length);
  } catch (error) {
    // Destroying the decoder does not destroy the connection, nor the other way round.
    stream.destroy();
    response.destroy();
    throw error;
  } finally {
    clearTimeout(idle);
    clearImmediate(turn);
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
