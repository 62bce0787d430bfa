import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { LogThrottle } from '../../log/log-throttle.ts';
import { closeWhenAborted, listen, type HttpAddress } from '../http/listen.ts';

/** The header with the secret, which `nudge register` has the environment send along. */
export const KEY_HEADER = 'x-mirrorverse-key';
/** Headers of Dataverse's webhooks. Source: Microsoft, "Use webhooks to create external handlers for server events". */
const TABLE_HEADER = 'x-ms-dynamics-entity-name';
const ORGANIZATION_HEADER = 'x-ms-dynamics-organization';
/** Where nudges are taken, besides the path of `nudge.url`. A proxy may cut the path. */
const PATHS = ['/', '/hooks/dataverse'];

/** Bytes of a body that are read at most. Nobody looks at them: Dataverse sends up to 256 KB. */
const LARGEST_BODY = 1024 * 1024;
/** Milliseconds for a client to take the answer before the rest of a body that is too large is cut off. */
const CUT_AFTER = 1_000;
/** Milliseconds for a client to send the headers, and the whole request. */
const HEADERS_TIMEOUT = 5_000;
const REQUEST_TIMEOUT = 10_000;
/** Milliseconds between two looks at connections that are too slow. */
const CHECK_INTERVAL = 1_000;
/** Connections at once. Slow clients can take no more of this process than that. */
const MOST_CONNECTIONS = 256;

const NAME = {
  subject: 'The port for nudges',
  port: 'nudge.port (MIRRORVERSE_NUDGE_PORT)',
  host: 'nudge.host (MIRRORVERSE_NUDGE_HOST)',
};

export interface NudgeServerOptions {
  readonly address: HttpAddress;
  /** The address that the environment posts to; undefined if only a proxy knows it. */
  readonly url: string | undefined;
  /** As it is at each request; undefined if nobody may nudge. */
  readonly secret: () => string | undefined;
  /** Whether the name of an organization is that of the environment that is mirrored. */
  readonly isOwn: (organization: string) => boolean;
  /** Takes a nudge. It must return at once. */
  readonly receive: (table: string) => void;
  readonly logger: Logger;
}

/**
 * Takes the webhooks of the environment until aborted. Headers tell all that counts: the secret, the organization and
 * the table. The body is neither kept nor parsed.
 *
 * A request with the secret is answered with 204, whatever its table is. Dataverse repeats a request once, and only after
 * 502, 503 or 504, so no answer here makes it repeat one.
 *
 * @throws Failure `port-taken`
 */
export async function runNudgeServer(options: NudgeServerOptions, signal: AbortSignal): Promise<void> {
  const { address, logger, url } = options;
  const server = createServer({
    headersTimeout: HEADERS_TIMEOUT,
    requestTimeout: REQUEST_TIMEOUT,
    connectionsCheckingInterval: CHECK_INTERVAL,
  });
  server.maxConnections = MOST_CONNECTIONS;
  const { port } = await listen(server, address, NAME);
  const paths = new Set(url === undefined ? PATHS : [...PATHS, new URL(url).pathname]);
  const refusals = new LogThrottle(logger);
  server.on('request', (request, response) => {
    response.on('error', (error) => logger.debug({ error: error.name }, 'An answer could not be sent.'));
    request.on('error', (error) => logger.debug({ error: error.name }, 'A nudge broke off.'));
    const refused = refusalOf(request, paths, options, refusals);
    if (refused === undefined) take(request, response, options);
    else refuse(request, response, refused);
  });
  logger.info({ host: address.host, port }, 'Taking nudges.');
  await closeWhenAborted(server, signal);
}

interface RefusedNudge {
  readonly status: 401 | 403 | 404 | 405;
  readonly headers?: OutgoingHttpHeaders;
}

/** Why a request is refused; undefined if it is a nudge. */
function refusalOf(
  { method, url = '', headers }: IncomingMessage,
  paths: ReadonlySet<string>,
  { secret, isOwn }: NudgeServerOptions,
  refusals: LogThrottle,
): RefusedNudge | undefined {
  // A client of a proxy sends the whole address (RFC 9112, 3.2.2).
  const [path = ''] = url.replace(/^https?:\/\/[^/?#]*/i, '').split('?', 1);
  if (!paths.has(path === '' ? '/' : path)) return { status: 404 };
  if (method !== 'POST') return { status: 405, headers: { allow: 'POST' } };
  if (!isSecret(headers[KEY_HEADER], secret())) {
    refusals.tell(
      'secret',
      { status: 401 },
      'A nudge without the right secret was refused. If it came from the environment, run `mirrorverse nudge register` with the MIRRORVERSE_NUDGE_SECRET of this daemon.',
    );
    return { status: 401 };
  }
  const organization = headers[ORGANIZATION_HEADER];
  if (typeof organization === 'string' && isOwn(organization)) return undefined;
  refusals.tell(
    'organization',
    { status: 403 },
    'A nudge of another organization was refused. A copy of the environment may have kept its steps: remove them there with `mirrorverse nudge remove`.',
  );
  return { status: 403 };
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Compares hashes, which have the same length, so that the time says nothing about the secret. */
function isSecret(given: string | string[] | undefined, expected: string | undefined): boolean {
  const isSame = timingSafeEqual(digest(typeof given === 'string' ? given : ''), digest(expected ?? ''));
  return isSame && expected !== undefined && expected !== '';
}

/** Refuses a request at its headers. The connection ends, so that nobody holds it with a slow body. */
function refuse(request: IncomingMessage, response: ServerResponse, { status, headers }: RefusedNudge): void {
  request.resume();
  response.writeHead(status, { 'content-length': '0', connection: 'close', ...headers });
  response.end();
}

/** Takes a nudge at its headers, and answers at the end of its body. */
function take(request: IncomingMessage, response: ServerResponse, { receive }: NudgeServerOptions): void {
  const table = request.headers[TABLE_HEADER];
  if (typeof table === 'string') receive(table.trim().toLowerCase());
  let size = 0;
  const answer = (): void => {
    if (!response.headersSent) response.writeHead(204).end();
  };
  request.on('end', answer);
  request.on('data', (piece: Buffer) => {
    size += piece.length;
    if (size <= LARGEST_BODY || response.headersSent) return;
    answer();
    const { socket } = request;
    const cut = setTimeout(() => socket.destroy(), CUT_AFTER);
    socket.once('close', () => clearTimeout(cut));
  });
}
