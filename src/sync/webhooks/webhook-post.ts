import http from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';
import { parseRetryAfter } from '../../dataverse/http/api-error.ts';
import { isTimeoutError } from '../../dataverse/http/http-client.ts';
import { limitedLookup } from '../../dataverse/network/limited-lookup.ts';
import { closeAgents, createAgents } from '../../dataverse/network/proxy-agent.ts';
import { ProxyError } from '../../dataverse/network/proxy-failure.ts';
import type { ProxySettings } from '../../dataverse/network/proxy-settings.ts';
import type { Batch } from '../../mirror/feed/webhook-state.ts';
import { errorCode } from '../../model/error-description.ts';
import type { Webhook } from '../../model/webhook.ts';
import { isPublicAddress, NO_PUBLIC_ADDRESS, publicLookup } from './public-address.ts';
import { signatureHeaders } from './signature.ts';

/** What a receiver did with a batch. `gone`: it wants no more. */
export type PostResult =
  | { readonly kind: 'delivered' | 'gone' }
  | {
      readonly kind: 'failed';
      /** A status or the code of a broken connection, and nothing that the receiver has written. */
      readonly reason: string;
      /** Milliseconds that the receiver wants to be left alone. */
      readonly retryAfter?: number;
    };

/** Posts to one receiver over connections that are kept alive. */
export interface WebhookPost {
  /** @throws the signal's reason when aborted: nobody knows then what the receiver did. */
  readonly post: (
    batch: Pick<Batch, 'id' | 'begunAt' | 'changes'>,
    signal: AbortSignal,
  ) => Promise<PostResult>;
  readonly close: () => void;
}

/** Bytes of an answer. The status says everything, so the connection of a longer answer is closed. */
const LARGEST_ANSWER = 4_096;

/** @param timeout milliseconds until the receiver must have answered. */
export function createPost(
  { url: address, secrets, allowPrivate }: Webhook,
  proxy: ProxySettings | undefined,
  timeout: number,
  lookup = limitedLookup,
): WebhookPost {
  const agents = createAgents(proxy, allowPrivate ? lookup : publicLookup(lookup));
  const url = new URL(address);
  const host = url.hostname.replace(/^\[(.+)\]$/, '$1');
  const isSecure = url.protocol === 'https:';
  // Node.js looks up names only, so an address needs its own check.
  const isRefused = !allowPrivate && isIP(host) !== 0 && !isPublicAddress(host);
  return {
    async post({ id, begunAt, changes }, signal) {
      if (isRefused) return { kind: 'failed', reason: NO_PUBLIC_ADDRESS };
      const body = `{"type":"mirrorverse.changes","timestamp":"${begunAt}","data":{"changes":[${changes}]}}`;
      const timestamp = Math.floor(Date.now() / 1000);
      const options: https.RequestOptions = {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'user-agent': 'mirrorverse',
          ...signatureHeaders({ id, timestamp, body }, secrets),
        },
        agent: isSecure ? agents.https : agents.http,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
      };
      try {
        return await new Promise((resolve, reject) => {
          // Unlike fetch, this follows no redirect.
          const request = (isSecure ? https : http).request(url, options, (answer) => {
            discard(answer);
            resolve(resultOf(answer));
          });
          request.on('error', reject);
          request.end(body);
        });
      } catch (error) {
        signal.throwIfAborted();
        return { kind: 'failed', reason: reasonOf(error) };
      }
    },
    close: () => closeAgents(agents),
  };
}

/** Lets the rest of an answer pass, so that its connection can be used again. */
function discard(answer: http.IncomingMessage): void {
  let bytes = 0;
  answer.on('error', () => undefined);
  answer.on('data', (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > LARGEST_ANSWER) answer.destroy();
  });
}

function resultOf({ statusCode = 0, headers }: http.IncomingMessage): PostResult {
  if (statusCode >= 200 && statusCode < 300) return { kind: 'delivered' };
  if (statusCode === 410) return { kind: 'gone' };
  const retryAfter = parseRetryAfter(headers['retry-after'] ?? null, Date.now());
  const failed = { kind: 'failed', reason: `status ${statusCode}` } as const;
  return retryAfter === undefined ? failed : { ...failed, retryAfter };
}

function reasonOf(error: unknown): string {
  if (isTimeoutError(error) || (error instanceof Error && isTimeoutError(error.cause))) return 'time-out';
  return error instanceof ProxyError ? error.code : (errorCode(error) ?? 'broken connection');
}
