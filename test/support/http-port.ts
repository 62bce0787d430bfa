import { once } from 'node:events';
import { connect } from 'node:net';
import { pino, type Logger } from 'pino';
import { runHttpServer } from '../../src/operations/http/http-server.ts';
import type { HttpAddress } from '../../src/operations/http/listen.ts';
import type { Route } from '../../src/operations/http/route.ts';

/** A server of routes in this process. */
export interface HttpPort extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Lines of its log. */
  readonly lines: readonly Record<string, unknown>[];
}

export async function openHttpPort(
  routes: readonly Route[],
  address: HttpAddress = { host: '127.0.0.1', port: 0 },
): Promise<HttpPort> {
  const lines: Record<string, unknown>[] = [];
  const stop = new AbortController();
  const { logger, listening } = watched(lines);
  const ended = runHttpServer(address, routes, logger, stop.signal);
  const port = await Promise.race([listening, ended.then(() => 0)]);
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    lines,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };
}

function watched(lines: Record<string, unknown>[]): { logger: Logger; listening: Promise<number> } {
  const { promise: listening, resolve: heard } = Promise.withResolvers<number>();
  const write = (text: string): void => {
    const line = JSON.parse(text) as Record<string, unknown>;
    lines.push(line);
    if (typeof line['port'] === 'number') heard(line['port']);
  };
  return { logger: pino({ level: 'debug' }, { write }), listening };
}

/** Sends bytes as they are, and returns all that the server answers until it or the client ends the connection. */
export async function sendRaw(port: number, text: string, milliseconds = 2_000): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const pieces: Buffer[] = [];
  socket.on('data', (piece: Buffer) => pieces.push(piece));
  socket.on('error', () => undefined);
  socket.write(text);
  const timer = setTimeout(() => socket.destroy(), milliseconds);
  await once(socket, 'close');
  clearTimeout(timer);
  return Buffer.concat(pieces).toString('latin1');
}
