import { createServer } from 'node:http';
import { once } from 'node:events';
import { Failure } from '../model/failure.ts';

/** Answers a container's health checks. */
export interface HealthServer {
  /** The port it listens on; undefined where none was asked for. */
  readonly port: number | undefined;
  /** The mirror is open and its tables are on schedule. */
  setReady(): void;
  close(): Promise<void>;
}

/**
 * `/healthz` answers 200 as long as the process's loop turns, whatever database and environment do:
 * a restart would not mend those. `/readyz` answers 200 once the mirror is open.
 *
 * @param port none: nothing is opened.
 */
export async function startHealthServer(port: number | undefined): Promise<HealthServer> {
  if (port === undefined) {
    return { port: undefined, setReady: () => undefined, close: async () => undefined };
  }
  let ready = false;
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    const ok = path === '/healthz' || (path === '/readyz' && ready);
    const known = ok || path === '/readyz';
    response.writeHead(ok ? 200 : known ? 503 : 404, { 'content-type': 'text/plain' });
    response.end(ok ? 'ok\n' : known ? 'starting\n' : 'not found\n');
  });
  server.listen(port);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw cannotListen(port, error);
  }
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : undefined,
    setReady: () => {
      ready = true;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function cannotListen(port: number, cause: unknown): Failure {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
  return new Failure({
    code: 'port-taken',
    reaction: 'stop-process',
    message: `Port ${port} for health checks cannot be listened on (${code}).`,
    remedy: 'Set health.port (MIRRORVERSE_HEALTH_PORT) to a free one, or stop what uses it.',
    cause,
    details: { port, network: code },
  });
}
