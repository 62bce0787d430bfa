import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { toFailure } from '../../model/failure.ts';
import { isLoopback } from '../../model/loopback.ts';
import { mayAnswer } from './host-header.ts';
import { closeWhenAborted, listen, type HttpAddress } from './listen.ts';
import { bodyTooLarge, refusal, wrongMethod } from './refusals.ts';
import { announcesTooMuch, BodyTooLarge, readBody } from './request-body.ts';
import { problemReply, routesOf, type Reply, type Route } from './route.ts';

/** Milliseconds for a client to send the headers, and the whole request. A slow client does not hold its connection. */
const HEADERS_TIMEOUT = 10_000;
const REQUEST_TIMEOUT = 15_000;
/** Milliseconds between two looks at connections that are too slow. */
const CHECK_INTERVAL = 2_000;
/** Milliseconds after which a connection that takes nothing is closed. */
const IDLE_TIMEOUT = 60_000;

const NAME = {
  subject: 'The HTTP port',
  port: 'health.port (MIRRORVERSE_HEALTH_PORT)',
  host: 'health.host (MIRRORVERSE_HEALTH_HOST)',
};

/** Headers of every answer. The page needs no more than its own script, its style sheet and its events. */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/**
 * Answers by the routes until the signal is aborted. An error of a route is an answer too, and nothing ends the
 * server but the signal.
 *
 * @returns when the signal has closed the port. @throws Failure `port-taken`
 */
export async function runHttpServer(
  { host, port }: HttpAddress,
  routes: readonly Route[],
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const server = createServer({
    headersTimeout: HEADERS_TIMEOUT,
    requestTimeout: REQUEST_TIMEOUT,
    connectionsCheckingInterval: CHECK_INTERVAL,
  });
  server.timeout = IDLE_TIMEOUT;
  const bound = await listen(server, { host, port }, NAME);
  // The port is meant for this machine alone. A browser must not be led here by the name of a foreign site.
  const localName = isLoopback(bound.address) ? host : undefined;
  server.on('request', (request, response) => {
    response.on('error', (error) => logger.debug({ error: error.name }, 'An answer could not be sent.'));
    void answer({ request, response, routes, localName, logger });
  });
  logger.info({ host, port: bound.port }, 'Answering health checks.');
  await closeWhenAborted(server, signal);
}

interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly routes: readonly Route[];
  /** The name of a server that is meant for its own machine alone. */
  readonly localName: string | undefined;
  readonly logger: Logger;
}

async function answer(asked: Asked): Promise<void> {
  const { request, response, logger } = asked;
  const { status, headers, body } = await replyTo(asked);
  const length = typeof body === 'string' ? { 'content-length': String(Buffer.byteLength(body)) } : {};
  response.writeHead(status, { ...HEADERS, ...length, ...headers });
  if (typeof body === 'string') response.end(body);
  else if (request.method === 'HEAD') response.end();
  else await write(body, response, logger);
}

async function write(
  body: Exclude<Reply['body'], string>,
  response: ServerResponse,
  logger: Logger,
): Promise<void> {
  try {
    await body(response);
  } catch (error) {
    // The status has been sent already. A cut answer tells the client that it is not whole.
    logger.error({ err: error }, 'An answer broke off.');
    response.destroy();
  }
}

async function replyTo({ request, routes, localName, logger }: Asked): Promise<Reply> {
  const { method = '', url = '', headers } = request;
  if (localName !== undefined && !mayAnswer(headers.host, localName)) return refusal('foreign-host');
  if (announcesTooMuch(request)) return bodyTooLarge();
  // A client of a proxy sends the whole address (RFC 9112, 3.2.2).
  const [path = '', query = ''] = url.replace(/^https?:\/\/[^/?#]*/i, '').split(/\?(.*)/s, 2);
  const found = routesOf(routes, path === '' ? '/' : path);
  if (found === undefined) return refusal('no-such-path');
  const wanted = method === 'HEAD' ? 'GET' : method;
  const route = found.routes.find((each) => each.method === wanted);
  if (route === undefined) return wrongMethod(found.routes.map((each) => each.method));
  const body = async (): Promise<string> => readBody(request);
  try {
    return await route.answer({ parts: found.parts, query: new URLSearchParams(query), headers, body });
  } catch (error) {
    if (error instanceof BodyTooLarge) return bodyTooLarge();
    const failure = toFailure(error);
    if (failure.code !== 'unexpected') return problemReply(503, failure);
    logger.error({ err: error, code: failure.code, path: route.path }, failure.message);
    return problemReply(500, failure);
  }
}
