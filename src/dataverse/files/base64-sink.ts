import type { BodySink } from './body-sink.ts';

/** Decodes a text in base64 while it comes, and gives the bytes to another sink. */
export interface Base64Sink extends BodySink {
  /** Whether the text ended in the middle of its last bytes. */
  readonly isCut: boolean;
}

/** Neither of the base64 alphabet nor white space. */
const FOREIGN = /[^A-Za-z0-9+/=\s]/;

/**
 * A body that does not come as text goes on as it is.
 *
 * @param broken makes the error for a text that is not base64: Node.js would leave the odd characters out, and the body
 *   would be another one.
 */
export function base64Sink(inner: BodySink, broken: () => Error): Base64Sink {
  let isText = true;
  /** Characters that do not make whole bytes yet. */
  let rest = '';
  return {
    get isCut() {
      return rest !== '';
    },
    async begin(status, headers) {
      isText = !/^(?:application\/octet-stream|image\/)/i.test(headers.get('content-type') ?? '');
      rest = '';
      await inner.begin(status, headers);
    },
    async write(piece) {
      if (!isText) return inner.write(piece);
      const text = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString('latin1');
      if (FOREIGN.test(text)) throw broken();
      const characters = rest + text.replaceAll(/\s/g, '');
      const whole = characters.length - (characters.length % 4);
      rest = characters.slice(whole);
      if (whole > 0) await inner.write(Buffer.from(characters.slice(0, whole), 'base64'));
    },
  };
}
