import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { FaultAction } from '../faults/fault-script.ts';
import type { Reply } from './web-api.ts';

const compress = promisify(gzip);

/** The state of the limits that every answer of the Web API reports. */
export interface LimitReport {
  readonly dopHint: number;
  readonly requests: number;
  readonly seconds: number;
  readonly organizationId: string;
}

/** Sets the headers that a live organization sends. Some of them come twice, as there. */
export function setServiceHeaders(response: ServerResponse, report: LimitReport): void {
  const requestId = randomUUID();
  response.setHeader('Cache-Control', 'no-cache');
  response.setHeader('Allow', 'OPTIONS,GET,HEAD,POST');
  response.setHeader('Expires', '-1');
  response.setHeader('Vary', 'Accept-Encoding');
  response.setHeader('x-ms-service-request-id', [randomUUID(), requestId]);
  response.setHeader('Set-Cookie', [
    'ARRAffinity=f60cbee43b7af0a5f322e7ce57a018546ed978f67f0c11cbb5e15b02ddb091a9; path=/; secure; HttpOnly',
    `ReqClientId=${requestId}; expires=Sun, 07-Jan-2074 21:10:42 GMT; path=/; secure; HttpOnly`,
    `orgId=${report.organizationId}; expires=Sun, 07-Jan-2074 21:10:42 GMT; path=/; secure; HttpOnly`,
  ]);
  response.setHeader('Strict-Transport-Security', 'max-age=31536000; includeSubDomains');
  response.setHeader('REQ_ID', requestId);
  response.setHeader('CRM.ServiceId', 'framework');
  response.setHeader('x-ms-dop-hint', String(report.dopHint));
  const seconds = report.seconds.toLocaleString('en-US', {
    minimumFractionDigits: 2,
    maximumFractionDigits: 2,
  });
  response.setHeader('x-ms-ratelimit-time-remaining-xrm-requests', seconds);
  response.setHeader('x-ms-ratelimit-burst-remaining-xrm-requests', String(report.requests));
  response.setHeader('OData-Version', '4.0');
}

/** Writes an answer, compressed if the client accepts that, and with the cuts and delays of a fault. */
export async function writeReply(
  message: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
  fault: FaultAction | null,
): Promise<void> {
  for (const [name, value] of Object.entries(reply.headers)) response.setHeader(name, value);
  let body = typeof reply.body === 'string' ? Buffer.from(reply.body, 'utf8') : reply.body;
  const wantsGzip = /\bgzip\b/.test(message.headers['accept-encoding'] ?? '');
  if (fault?.coding !== undefined) {
    body = fault.coding.encode(body);
    response.setHeader('Content-Encoding', fault.coding.name);
  } else if (wantsGzip && body.length > 0) {
    body = await compress(body, { level: constants.Z_BEST_SPEED });
    response.setHeader('Content-Encoding', 'gzip');
  }
  setFraming(response, body, fault);
  response.writeHead(reply.status);
  if (fault?.delayBodyMs !== undefined) {
    response.flushHeaders();
    await wait(fault.delayBodyMs);
  }
  if (fault?.unframed === true) body = body.subarray(0, fault.cutAt);
  else if (fault?.cutAt !== undefined) {
    await cut(response, body.subarray(0, fault.cutAt));
    return;
  }
  await new Promise<void>((resolve) => {
    response.once('close', resolve);
    if (fault?.trailers !== undefined) response.addTrailers(fault.trailers);
    response.end(message.method === 'HEAD' ? undefined : body);
  });
}

function setFraming(response: ServerResponse, body: Buffer, fault: FaultAction | null): void {
  if (fault?.unframed === true) {
    response.useChunkedEncodingByDefault = false;
    response.removeHeader('Transfer-Encoding');
    response.shouldKeepAlive = false;
  } else if (fault?.trailers !== undefined) response.setHeader('Trailer', Object.keys(fault.trailers));
  else response.setHeader('Content-Length', body.length);
}

/** Sends the beginning of a body, and then destroys the connection. */
async function cut(response: ServerResponse, beginning: Buffer): Promise<void> {
  response.flushHeaders();
  await new Promise<void>((resolve) => {
    response.once('close', resolve);
    response.write(beginning, () => response.destroy());
  });
}
