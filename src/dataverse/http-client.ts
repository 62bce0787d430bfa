import http from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** One request as it goes over the wire. */
export interface HttpCall {
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
   * @throws Error with the system's `code` when the connection breaks, at any point up to the last
   *   byte: an answer cut short is never returned.
   */
  send(call: HttpCall, signal: AbortSignal): Promise<HttpAnswer>;
  close(): void;
}

/**
 * An HTTP client over `node:http`. `fetch` would do the same; moving pages of tens of megabytes
 * through its web streams took a fifth of a baseline's time.
 */
export function createHttpClient(): HttpClient {
  const agents = {
    'http:': new http.Agent({ keepAlive: true }),
    'https:': new https.Agent({ keepAlive: true }),
  };
  return {
    async send({ method, url, headers, body: sent }, signal) {
      const secure = url.protocol === 'https:';
      const options = { method, headers, signal, agent: secure ? agents['https:'] : agents['http:'] };
      const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
        const request = (secure ? https : http).request(url, options, resolve);
        request.on('error', reject);
        request.end(sent);
      });
      const body = await readBody(response);
      return { status: response.statusCode ?? 0, headers: toHeaders(response), body };
    },
    close() {
      agents['http:'].destroy();
      agents['https:'].destroy();
    },
  };
}

/** No page is as large; memory for more is taken as it comes rather than as it is announced. */
const LARGEST_AT_ONCE = 256 * 1024 * 1024;

async function readBody(response: http.IncomingMessage): Promise<Uint8Array> {
  let stream: Readable = response;
  if (response.headers['content-encoding'] === 'gzip') {
    const gunzip = createGunzip();
    response.on('error', (error) => gunzip.destroy(error));
    stream = response.pipe(gunzip);
  }
  const announced = stream === response ? Number(response.headers['content-length'] ?? 0) : 0;
  return announced > 0 && announced <= LARGEST_AT_ONCE ? readInto(stream, announced) : readAll(stream);
}

/** A body whose length is announced goes straight to its place: joining chunks would double it. */
async function readInto(stream: Readable, length: number): Promise<Uint8Array> {
  const body = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for await (const chunk of stream) at += (chunk as Buffer).copy(body, at);
  return body.subarray(0, at);
}

async function readAll(stream: Readable): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function toHeaders(response: http.IncomingMessage): Headers {
  const headers = new Headers();
  const raw = response.rawHeaders;
  for (let at = 0; at + 1 < raw.length; at += 2) headers.append(raw[at] ?? '', raw[at + 1] ?? '');
  return headers;
}
