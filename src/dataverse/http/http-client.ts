import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { pourBody, takesBody, type BodySink } from '../files/body-sink.ts';
import { closeAgents, createAgents, type Agents } from '../network/proxy-agent.ts';
import { readBody, type BodyLimits } from './response-body.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
  /** Fields that came after the body (RFC 9110, section 6.5). */
  readonly trailers: Headers;
}

/** One request as it is sent, and the limits of its answer. */
export interface HttpCall extends Omit<BodyLimits, 'idleTimeout' | 'usedUp'> {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Takes the body of a success piece by piece, so that the answer has none. */
  readonly sink?: BodySink;
}

/** Sends requests to one origin over connections that are kept alive. */
export interface HttpClient {
  /**
   * The whole answer, whatever its status. Redirects are not followed.
   *
   * A 429, a 408 or a 5xx is returned without its body if the body cannot be read, so that the wait which
   * it asks for is not lost.
   *
   * @throws Error with the system's `code` when the connection breaks at any point before the last byte: an
   *   answer that was cut is never returned. AnswerTooLarge and UnknownCoding. IdleTimeout when an answer has
   *   begun and stops coming.
   */
  send(call: HttpCall, signal: AbortSignal): Promise<HttpAnswer>;
  close(): void;
}

/** Milliseconds between two pieces of an answer. The time before the answer begins does not count. */
const IDLE_TIMEOUT = 60_000;

/**
 * An HTTP client over `node:http`. `fetch` was measured as slower: its web streams took a fifth of the time
 * of a baseline with pages of tens of megabytes.
 */
export function createHttpClient(
  idleTimeout = IDLE_TIMEOUT,
  agents: Agents = createAgents(undefined),
): HttpClient {
  const usedUp = createCollector();
  return {
    async send({ method, url, headers, body: sent, sink, ...limits }, signal) {
      const secure = url.protocol === 'https:';
      const agent = secure ? agents.https : agents.http;
      try {
        const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
          const request = (secure ? https : http).request(url, { method, headers, signal, agent }, resolve);
          request.on('error', reject);
          request.once('socket', (socket) => limitConnecting(socket));
          request.end(sent);
        });
        const status = response.statusCode ?? 0;
        const { rawHeaders } = response;
        if (sink !== undefined && takesBody(status)) {
          await pourBody(response, sink, toHeaders(rawHeaders), { idleTimeout, usedUp });
          return { status, headers: toHeaders(rawHeaders), body: new Uint8Array(), trailers: new Headers() };
        }
        const body = await readBody(response, { ...limits, idleTimeout, usedUp }).catch((error: unknown) => {
          response.destroy();
          if (signal.aborted || !saysEnough(status)) throw error;
          return new Uint8Array();
        });
        const { rawTrailers } = response;
        return { status, headers: toHeaders(rawHeaders), body, trailers: toHeaders(rawTrailers) };
      } catch (error) {
        if (isTimeoutError(error) || isTimeoutError(signal.reason)) endIdle(agent);
        throw error;
      }
    },
    close() {
      closeAgents(agents);
    },
  };
}

/** Milliseconds until a host that does not take the connection counts as unreachable. A firewall may say nothing. */
const CONNECT_TIMEOUT = 10_000;

function limitConnecting(socket: Socket): void {
  if (!socket.connecting) return;
  const late = setTimeout(() => {
    socket.destroy(Object.assign(new Error('The host does not take the connection.'), { code: 'ETIMEDOUT' }));
  }, CONNECT_TIMEOUT);
  const over = (): void => clearTimeout(late);
  socket.once('connect', over).once('close', over);
}

/** Whether the client's own time limit ended the wait for the whole answer or for its next piece. */
export function isTimeoutError(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError';
}

/**
 * Ends the connections that are idle. When one connection went dead silently, others may be dead too, and
 * each would cost its next request a whole time-out.
 */
function endIdle(agent: http.Agent): void {
  for (const sockets of Object.values(agent.freeSockets)) {
    for (const socket of sockets ?? []) socket.destroy();
  }
}

/** Whether the request is repeated whatever its body says. */
function saysEnough(status: number): boolean {
  return status === 429 || status === 408 || status >= 500;
}

function toHeaders(raw: readonly string[]): Headers {
  const headers = new Headers();
  for (let at = 0; at + 1 < raw.length; at += 2) headers.append(raw[at] ?? '', raw[at + 1] ?? '');
  return headers;
}

/** Bytes of used-up pieces of answers after which the young garbage is collected. */
const GARBAGE = 4 * 1024 * 1024;

/**
 * Counts used-up pieces of answers, and collects the young garbage in a fraction of a millisecond.
 *
 * Each piece is memory outside V8's heap, which only a collection gives back. By itself V8 waits for 60 MB
 * and then collects the whole heap, which took half as long as receiving the bytes. `gc` is there where the
 * process was started by the command; elsewhere nothing is collected here.
 */
function createCollector(): (bytes: number) => void {
  let garbage = 0;
  return (bytes) => {
    garbage += bytes;
    if (garbage < GARBAGE) return;
    garbage = 0;
    globalThis.gc?.({ type: 'minor', execution: 'sync' });
  };
}
