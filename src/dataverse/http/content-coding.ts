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

/** The body is in a coding that cannot be undone here; it was not read. */
export class UnknownCoding extends Error {
  readonly coding: string;

  constructor(coding: string) {
    super('The body is in a coding that is not known.');
    this.name = 'UnknownCoding';
    this.coding = coding;
  }
}

/** Bytes that a decoder gives at once: each costs a way to another thread and back. */
const PIECE = { chunkSize: 64 * 1024 };

/** RFC 9110, section 8.4.1: names in any case, and the aliases that recipients take for the same. */
const DECODERS: ReadonlyMap<string, () => Transform> = new Map<string, () => Transform>([
  ['gzip', () => createGunzip(PIECE)],
  ['x-gzip', () => createGunzip(PIECE)],
  ['deflate', () => new EitherInflate()],
  ['br', () => createBrotliDecompress(PIECE)],
]);

/**
 * The body without its content codings, which `Content-Encoding` names in the order they were applied;
 * the very response where there are none. It ends in UnknownCoding where bytes come in another coding.
 */
export function decoded(response: IncomingMessage): Readable {
  // Node joins a header that came several times by commas, as the standard has it.
  const codings = (response.headers['content-encoding'] ?? '').toLowerCase().split(',');
  let body: Readable = response;
  for (const coding of codings.map((name) => name.trim()).toReversed()) {
    if (coding === '' || coding === 'identity') continue;
    const decoder = DECODERS.get(coding) ?? ((): Transform => refusing(coding));
    body = through(body, decoder());
  }
  return body;
}

/**
 * `source` through `decoder`. No bytes stay no bytes: a refusal or a 204 that only names a coding has an
 * empty body, and no decoder takes that for a whole one.
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

/** Four bits of the first byte of a body that has zlib's wrapper (RFC 1950): the method is "deflate". */
const ZLIB_METHOD = 8;

/** `deflate` is zlib's format by the standard, and deflate without a wrapper from some senders. */
class EitherInflate extends Transform {
  private inflate: Inflate | InflateRaw | undefined;

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
    const inflate = ((first[0] ?? 0) & 0x0f) === ZLIB_METHOD ? createInflate(PIECE) : createInflateRaw(PIECE);
    inflate.on('data', (piece: Buffer) => {
      // A few bytes may become megabytes, which would wait here for a reader that is slower.
      if (!this.push(piece)) inflate.pause();
    });
    inflate.on('error', (error) => this.destroy(error));
    return inflate;
  }
}
