import http from 'node:http';
import https from 'node:https';
import { createCollector } from './minor-collection.ts';
import { readBody, type BodyLimits } from './response-body.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
  /** Fields that came after the body (RFC 9110, section 6.5). */
  readonly trailers: Headers;
}

/** One request as it goes over the wire, and what its answer may take. */
export interface HttpCall extends Omit<BodyLimits, 'idleTimeout' | 'usedUp'> {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Makes requests to one origin over connections that are kept. */
export interface HttpClient {
  /**
   * The whole answer, whatever its status; redirects are not followed.
   *
   * A refusal whose status says enough comes without its body where that cannot be read: a pause that
   * was asked for must not get lost over it.
   *
   * @throws Error with the system's `code` when the connection breaks, at any point up to the last
   *   byte: an answer cut short is never returned. AnswerTooLarge, UnknownCoding, and IdleTimeout when an
   *   answer that has begun does not go on.
   */
  send(call: HttpCall, signal: AbortSignal): Promise<HttpAnswer>;
  close(): void;
}

/** Milliseconds. What it takes the environment to begin an answer does not count. */
const IDLE_TIMEOUT = 60_000;

/**
 * An HTTP client over `node:http`. `fetch` would do the same; moving pages of tens of megabytes
 * through its web streams took a fifth of a baseline's time.
 */
export function createHttpClient(idleTimeout = IDLE_TIMEOUT): HttpClient {
  const agents = {
    'http:': new http.Agent({ keepAlive: true }),
    'https:': new https.Agent({ keepAlive: true }),
  };
  const usedUp = createCollector();
  return {
    async send({ method, url, headers, body: sent, ...limits }, signal) {
      const secure = url.protocol === 'https:';
      const agent = secure ? agents['https:'] : agents['http:'];
      try {
        const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
          const request = (secure ? https : http).request(url, { method, headers, signal, agent }, resolve);
          request.on('error', reject);
          request.end(sent);
        });
        const status = response.statusCode ?? 0;
        const body = await readBody(response, { ...limits, idleTimeout, usedUp }).catch((error: unknown) => {
          response.destroy();
          if (signal.aborted || !saysEnough(status)) throw error;
          return new Uint8Array();
        });
        const { rawHeaders, rawTrailers } = response;
        return { status, headers: toHeaders(rawHeaders), body, trailers: toHeaders(rawTrailers) };
      } catch (error) {
        if (isTimeoutError(error) || isTimeoutError(signal.reason)) endIdle(agent);
        throw error;
      }
    },
    close() {
      agents['http:'].destroy();
      agents['https:'].destroy();
    },
  };
}

/** Whether our own limit ended a wait: for a whole answer, or for more of one that stands still. */
export function isTimeoutError(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError';
}

/**
 * Ends the connections that wait for their next request. Where one went dead without a word others may
 * have, and each would cost its request the whole time-out.
 */
function endIdle(agent: http.Agent): void {
  for (const sockets of Object.values(agent.freeSockets)) {
    for (const socket of sockets ?? []) socket.destroy();
  }
}

/** Whether the request is to be repeated whatever the body says. */
function saysEnough(status: number): boolean {
  return status === 429 || status === 408 || status >= 500;
}

function toHeaders(raw: readonly string[]): Headers {
  const headers = new Headers();
  for (let at = 0; at + 1 < raw.length; at += 2) headers.append(raw[at] ?? '', raw[at + 1] ?? '');
  return headers;
}
