import type { IncomingMessage } from 'node:http';

/** Bytes of a request's body. No request of this port needs more. */
export const LARGEST_BODY = 16 * 1024;

/** The body of a request is too large, and was not read to its end. */
export class BodyTooLarge extends Error {
  constructor() {
    super(`The body has more than ${LARGEST_BODY} bytes.`);
    this.name = 'BodyTooLarge';
  }
}

/** Whether the headers announce a body that is too large. A body without a length is counted while it is read. */
export function announcesTooMuch({ headers }: IncomingMessage): boolean {
  return Number(headers['content-length'] ?? 0) > LARGEST_BODY;
}

/** Reads the body of a request. @throws BodyTooLarge. @throws Error if the client goes away before its end. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > LARGEST_BODY) throw new BodyTooLarge();
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}
