import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import { errorCode } from '../../model/error-description.ts';
import { limitedLookup } from './limited-lookup.ts';
import { ProxyError } from './proxy-failure.ts';
import { defaultPort, goesByProxy, type ProxySettings } from './proxy-settings.ts';

/** The agents for requests, which keep connections alive and decide on the way to each address. */
export interface Agents {
  readonly http: http.Agent;
  readonly https: https.Agent;
}

/** @param lookup finds the address of each host that is not reached by the proxy. */
export function createAgents(proxy: ProxySettings | undefined, lookup = limitedLookup): Agents {
  const options = { keepAlive: true, lookup };
  return {
    http: new http.Agent(options),
    https: proxy === undefined ? new https.Agent(options) : new ProxyAgent(options, proxy),
  };
}

export function closeAgents(agents: Agents): void {
  agents.http.destroy();
  agents.https.destroy();
}

type Connected = (error: Error | null, socket: Duplex) => void;

/** Milliseconds until a proxy that has not made the connection counts as unreachable. */
const CONNECT_TIMEOUT = 10_000;

/**
 * An agent that goes by a proxy where the settings say so: CONNECT makes a tunnel, and TLS to the host runs inside it,
 * so the proxy sees no token (RFC 9110, 9.3.6). Not by the package https-proxy-agent: it passes a refusal of the proxy
 * off as an answer of the host, it waits without end for a proxy that says nothing, and it leaves NO_PROXY to its user.
 */
class ProxyAgent extends https.Agent {
  private readonly proxy: ProxySettings;

  constructor(options: https.AgentOptions, proxy: ProxySettings) {
    super(options);
    this.proxy = proxy;
  }

  override createConnection(options: https.RequestOptions, connected: Connected): Duplex | null | undefined {
    const host = options.host ?? 'localhost';
    const port = Number(options.port ?? 443);
    if (!goesByProxy(this.proxy, host, port)) return super.createConnection(options, connected);
    void this.connectByProxy(host, port, options, connected);
    return undefined;
  }

  private async connectByProxy(
    host: string,
    port: number,
    options: https.RequestOptions,
    connected: Connected,
  ): Promise<void> {
    try {
      const socket = await openTunnel(this.proxy, host, port);
      // Node.js makes the TLS connection over a socket that is there, with its own cache of sessions.
      const secure = super.createConnection({ ...options, socket } as https.RequestOptions);
      if (secure) connected(null, secure);
    } catch (error) {
      // With an error, the agent does not look at the socket.
      connected(error as Error, undefined as unknown as Duplex);
    }
  }
}

/** @throws ProxyError */
async function openTunnel(proxy: ProxySettings, host: string, port: number): Promise<Duplex> {
  const target = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const { protocol, hostname, port: proxyPort, username, password } = new URL(proxy.url);
  const identity = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const request = (protocol === 'https:' ? https : http).request({
    method: 'CONNECT',
    host: hostname.replace(/^\[(.+)\]$/, '$1'),
    port: proxyPort === '' ? defaultPort(protocol) : proxyPort,
    path: target,
    headers: {
      host: target,
      ...(identity === ':'
        ? {}
        : { 'proxy-authorization': `Basic ${Buffer.from(identity).toString('base64')}` }),
    },
    agent: false,
    lookup: limitedLookup,
  });
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => request.destroy(new ProxyError('time-out', target)), CONNECT_TIMEOUT);
    request.once('connect', ({ statusCode = 0 }: http.IncomingMessage, socket: Duplex) => {
      clearTimeout(late);
      if (statusCode >= 200 && statusCode < 300) {
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(new ProxyError(statusCode, target));
    });
    request.once('error', (error) => {
      clearTimeout(late);
      reject(error instanceof ProxyError ? error : new ProxyError(errorCode(error) ?? 'no answer', target));
    });
    request.end();
  });
}
