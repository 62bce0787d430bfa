import { createServer, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { Logger } from 'pino';
import { errorCode } from '../../model/error-description.ts';
import { Failure, summaryOf, toFailure } from '../../model/failure.ts';
import { untilAborted } from '../../timing/sleep.ts';
import type { NotReady } from './readiness.ts';

/** What the server asks the daemon when a request comes. */
export interface HealthFacts {
  readonly isAlive: () => boolean;
  /** Null when the process is ready. */
  readonly notReady: () => NotReady | null;
  /** The document of `/status`. @throws Failure if the database does not answer. */
  readonly status: () => Promise<object>;
}

interface Reply {
  readonly status: number;
  readonly body: object;
}

/**
 * `/healthz` answers 200 while the event loop and the schedules work. Database and environment do not count,
 * because a restart does not mend them. `/readyz` answers 200 while the mirror is kept up to date, else 503
 * with the reason. `/status` answers as `mirrorverse status --json` does.
 *
 * @param port 0: a free one, which the log names.
 * @returns when the signal has closed the port. @throws Failure `port-taken`
 */
export async function runHealthServer(
  port: number,
  facts: HealthFacts,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const server = createServer((request, response) => {
    void replyTo(request.url?.split('?')[0], facts).then((reply) => send(response, reply));
  });
  server.listen(port);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw cannotListen(port, error);
  }
  const address = server.address();
  const listening = typeof address === 'object' && address !== null ? address.port : port;
  logger.info({ port: listening }, 'Answering health checks.');
  await untilAborted(signal);
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

async function replyTo(path: string | undefined, facts: HealthFacts): Promise<Reply> {
  if (path === '/healthz') {
    const alive = facts.isAlive();
    return { status: alive ? 200 : 503, body: { alive } };
  }
  if (path === '/readyz') {
    const reason = facts.notReady();
    return { status: reason === null ? 200 : 503, body: readinessDocument(reason) };
  }
  if (path !== '/status') return { status: 404, body: { error: 'not found' } };
  try {
    return { status: 200, body: await facts.status() };
  } catch (error) {
    return { status: 503, body: { error: summaryOf(toFailure(error)) } };
  }
}

/** What `/readyz` says. */
export function readinessDocument(reason: NotReady | null): object {
  if (reason === null) return { ready: true };
  return { ready: false, ...reason, since: new Date(reason.since).toISOString() };
}

function send(response: ServerResponse, { status, body }: Reply): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(body)}\n`);
}

function cannotListen(port: number, cause: unknown): Failure {
  const code = errorCode(cause) ?? 'unknown';
  return new Failure({
    code: 'port-taken',
    message: `The health server cannot listen on port ${port} (${code}).`,
    remedy: 'Set health.port (MIRRORVERSE_HEALTH_PORT) to a free port, or stop the program that uses it.',
    cause,
    details: { port, network: code },
  });
}

/** Milliseconds between two beats. */
const BEAT = 1_000;
/** Milliseconds without a beat, after which the process counts as dead. */
const SILENCE = 30_000;

/**
 * A heartbeat by the same timers that the schedules use. A blocked event loop answers no probe at all. The
 * heartbeat finds a process that still answers although its timers have stopped.
 *
 * @returns whether the process itself works, whatever database and environment do.
 */
export function startHeartbeat(signal: AbortSignal): () => boolean {
  let lastBeat = performance.now();
  const timer = setInterval(() => (lastBeat = performance.now()), BEAT);
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  return () => performance.now() - lastBeat < SILENCE;
}
