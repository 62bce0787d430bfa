import { createReadStream } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { pipeline } from 'node:stream/promises';
import { isTimeoutError } from '../../../dataverse/http/http-client.ts';
import { isSuccess } from '../../../dataverse/http/api-error.ts';
import { networkCode } from '../../../dataverse/http/retry.ts';
import type { Agents } from '../../../dataverse/network/proxy-agent.ts';
import type { BucketPlace } from '../../../model/files/file-place.ts';
import { backOff } from '../../../timing/back-off.ts';
import { sleep } from '../../../timing/sleep.ts';
import { encoded, NO_PAYLOAD, signedHeaders } from './signature-v4.ts';
import { refused, unusable } from './unusable-place.ts';

/** A part of a file, with its hash. */
export interface FilePart {
  readonly path: string;
  readonly from: number;
  readonly length: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

export interface BucketRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Below the prefix of the bucket. */
  readonly name: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: FilePart | { readonly text: string; readonly sha256: string };
  /** Another status than a success that the caller understands. */
  readonly expects?: readonly number[];
}

export interface BucketAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

/** Bytes of an answer at most. The answers here are short documents. */
const LARGEST_ANSWER = 64 * 1024;
const TRIES = 5;
const REST = { first: 500, longest: 20_000 };
/** Milliseconds without any byte in either direction. */
const IDLE = 60_000;
const BUSY = new Set([429, 500, 502, 503, 504]);

/**
 * Sends a signed request to a bucket, and repeats it after trouble that passes. Every request here may be sent twice.
 *
 * @throws Failure `files-place-unusable`; the signal's reason when aborted.
 */
export async function askBucket(
  place: BucketPlace,
  agents: Agents,
  request: BucketRequest,
  signal: AbortSignal,
): Promise<BucketAnswer> {
  const what = `${request.method} in the bucket ${place.bucket}`;
  for (let tries = 1; ; tries++) {
    try {
      const answer = await send(place, agents, request, signal);
      const { status, text } = answer;
      const code = /<Code>(\w+)<\/Code>/.exec(text)?.[1] ?? '';
      // Some operations answer with a success, and with an error after some time.
      const isError = !isSuccess(status) || /<Error>/.test(text);
      if (!isError || request.expects?.includes(status) === true) return answer;
      const isBusy = BUSY.has(status) || isSuccess(status) || code === 'RequestTimeout';
      if (!isBusy || tries === TRIES) throw refused(what, status, code);
    } catch (error) {
      signal.throwIfAborted();
      const passes = networkCode(error) !== undefined || isTimeoutError(error);
      if (!passes || tries === TRIES) throw unusable(`${what} failed`, error);
    }
    await sleep(backOff(REST, tries, Math.random()), signal);
  }
}

async function send(
  place: BucketPlace,
  agents: Agents,
  { method, name, query = {}, body }: BucketRequest,
  signal: AbortSignal,
): Promise<BucketAnswer> {
  const url = addressOf(place, name);
  for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
  const payload = body?.sha256 ?? NO_PAYLOAD;
  const headers = signedHeaders(
    { method, url, headers: {}, payload },
    place.credentials,
    place.region,
    new Date(),
  );
  const length = body === undefined ? 0 : 'text' in body ? Buffer.byteLength(body.text) : body.length;
  const isSecure = url.protocol === 'https:';
  return new Promise((resolve, reject) => {
    const outgoing = (isSecure ? https : http).request(
      url,
      {
        method,
        agent: isSecure ? agents.https : agents.http,
        signal,
        headers: {
          ...headers,
          ...(method === 'PUT' || method === 'POST' ? { 'content-length': length } : {}),
        },
      },
      (incoming) => {
        readText(incoming).then(
          (text) => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text }),
          reject,
        );
      },
    );
    outgoing.setTimeout(IDLE, () => outgoing.destroy(new DOMException('Nothing came.', 'TimeoutError')));
    outgoing.on('error', reject);
    if (body === undefined || 'text' in body) outgoing.end(body?.text);
    else if (body.length === 0) outgoing.end();
    else {
      const part = createReadStream(body.path, { start: body.from, end: body.from + body.length - 1 });
      pipeline(part, outgoing).catch(reject);
    }
  });
}

/** The path of the bucket is used with other servers, and where TLS has no certificate for the name of the bucket. */
function addressOf({ bucket, prefix, region, endpoint }: BucketPlace, name: string): URL {
  const key = [prefix, name].filter((part) => part !== '').join('/');
  const path = key.split('/').map(encoded).join('/');
  if (endpoint !== undefined) {
    const base = new URL(endpoint);
    return new URL(`${base.pathname.replace(/\/$/, '')}/${bucket}/${path}`, base);
  }
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return bucket.includes('.')
    ? new URL(`https://s3.${region}.${domain}/${bucket}/${path}`)
    : new URL(`https://${bucket}.s3.${region}.${domain}/${path}`);
}

async function readText(incoming: http.IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of incoming as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes <= LARGEST_ANSWER) pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}
