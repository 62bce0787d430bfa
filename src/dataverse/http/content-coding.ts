import type { IncomingMessage } from 'node:http';
import { Transform, type Readable, type TransformCallback } from 'node:stream';
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  type Inflate,
  type InflateRaw,
} from 'node:zlib';

/** The body is in a coding that mirrorverse cannot decode; it was not read. */
export class UnknownCoding extends Error {
  readonly coding: string;

  constructor(coding: string) {
    super('The body is in a coding that is not known.');
    this.name = 'UnknownCoding';
    this.coding = coding;
  }
}

/** Bytes of a decoded piece: each costs a round trip to another thread, and memory even if little comes. */
const PIECE = { usual: 64 * 1024, large: 256 * 1024 };
/** A body of so many bytes is decoded in large pieces, which takes three quarters of the time. */
const LARGE_BODY = 1024 * 1024;

/** RFC 9110, section 8.4.1: names are case-insensitive, and `x-gzip` is an alias of `gzip`. */
const DECODERS: ReadonlyMap<string, (pieces: Pieces) => Transform> = new Map<
  string,
  (pieces: Pieces) => Transform
>([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', (pieces) => new EitherInflate(pieces)],
  ['br', createBrotliDecompress],
]);

interface Pieces {
  readonly chunkSize: number;
}

/**
 * The decoded body. `Content-Encoding` names the codings in the order in which they were applied. Without
 * codings it is the response itself. The stream fails with UnknownCoding if bytes come in any other coding.
 *
 * @param expected bytes of the decoded body that are likely to come.
 */
export function decoded(response: IncomingMessage, expected: number): Readable {
  const pieces = { chunkSize: expected < LARGE_BODY ? PIECE.usual : PIECE.large };
  // Node joins a repeated header with commas, as the standard says.
  const codings = (response.headers['content-encoding'] ?? '').toLowerCase().split(',');
  let body: Readable = response;
  for (const coding of codings.map((name) => name.trim()).toReversed()) {
    if (coding === '' || coding === 'identity') continue;
    const decoder = DECODERS.get(coding) ?? ((): Transform => refusing(coding));
    body = through(body, decoder(pieces));
  }
  return body;
}

/**
 * `source` through `decoder`. An empty body stays empty: a refusal or a 204 may name a coding and have no
 * body, which every decoder would refuse as incomplete.
 */
function through(source: Readable, decoder: Transform): Transform {
  let isEmpty = true;
  source.once('data', () => {
    isEmpty = false;
  });
  source.once('end', () => {
    if (isEmpty) decoder.push(null);
    else decoder.end();
  });
  source.on('error', (error) => decoder.destroy(error));
  decoder.once('end', () => decoder.destroy());
  source.pipe(decoder, { end: false });
  return decoder;
}

function refusing(coding: string): Transform {
  return new Transform({ transform: (_chunk, _encoding, done) => done(new UnknownCoding(coding)) });
}

/** The low four bits of the first byte under zlib's wrapper (RFC 1950): the method "deflate". */
const ZLIB_METHOD = 8;

/** By the standard `deflate` means zlib's format, but some senders leave the wrapper out. */
class EitherInflate extends Transform {
  private readonly pieces: Pieces;
  private inflate: Inflate | InflateRaw | undefined;

  constructor(pieces: Pieces) {
    super();
    this.pieces = pieces;
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    this.inflate ??= this.start(chunk);
    this.inflate.write(chunk, done);
  }

  override _read(size: number): void {
    this.inflate?.resume();
    super._read(size);
  }

  override _flush(done: TransformCallback): void {
    this.inflate?.once('end', done);
    this.inflate?.end();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.inflate?.destroy();
    done(error);
  }

  private start(first: Buffer): Inflate | InflateRaw {
    const hasWrapper = ((first[0] ?? 0) & 0x0f) === ZLIB_METHOD;
    const inflate = hasWrapper ? createInflate(this.pieces) : createInflateRaw(this.pieces);
    inflate.on('data', (piece: Buffer) => {
      // A few bytes may become megabytes, which would fill the memory here while a slower reader works.
      if (!this.push(piece)) inflate.pause();
    });
    inflate.on('error', (error) => this.destroy(error));
    return inflate;
  }
}
