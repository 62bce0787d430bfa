import type { IncomingMessage } from 'node:http';
import { decoded } from '../http/content-coding.ts';
import { IdleTimeout } from '../http/response-body.ts';

/** Takes a body of any size piece by piece. The next piece comes when the last one has been taken. */
export interface BodySink {
  /**
   * A body begins, with the status 200 or 206. After a broken connection another body begins.
   *
   * @throws what ends the request.
   */
  begin(status: number, headers: Headers): Promise<void>;
  write(piece: Uint8Array): Promise<void>;
}

/** An error of the sink. It says nothing about the connection, so the request is not repeated. */
export class SinkError extends Error {
  constructor(cause: unknown) {
    super('The body could not be taken.', { cause });
    this.name = 'SinkError';
  }
}

/** Whether an answer with this status has a body for a sink. */
export function takesBody(status: number): boolean {
  return status === 200 || status === 206;
}

/**
 * Gives the decoded body to the sink.
 *
 * @throws SinkError for what the sink throws; UnknownCoding; IdleTimeout if nothing comes for a while; the system's
 *   error if the connection breaks before the last byte.
 */
export async function pourBody(
  response: IncomingMessage,
  sink: BodySink,
  headers: Headers,
  { idleTimeout, usedUp }: { readonly idleTimeout: number; readonly usedUp: (bytes: number) => void },
): Promise<void> {
  let idle: NodeJS.Timeout | undefined;
  try {
    const stream = decoded(response, 0);
    await taken(sink.begin(response.statusCode ?? 0, headers));
    const wait = (): void => {
      idle = setTimeout(() => stream.destroy(new IdleTimeout(idleTimeout)), idleTimeout);
    };
    wait();
    for await (const piece of stream as AsyncIterable<Buffer>) {
      // The time that the sink takes is not the time of the server.
      clearTimeout(idle);
      await taken(sink.write(piece));
      usedUp(piece.length);
      wait();
    }
  } catch (error) {
    response.destroy();
    throw error;
  } finally {
    clearTimeout(idle);
  }
}

async function taken(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw new SinkError(error);
  }
}
