import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** How a proxy treats CONNECT: makes the connection, answers with a status, or never answers. */
export type ProxyConduct = 'connect' | 'hang' | number;

/** An HTTP proxy on this machine that knows CONNECT alone. */
export interface ConnectProxy extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Where all connections lead, whatever was asked for; undefined: to what was asked for. */
  leadsTo: number | undefined;
  conduct: ProxyConduct;
  /** The user and password that it wants, as `user:password`. */
  identity: string | undefined;
  /** Targets that it was asked for. */
  readonly targets: string[];
  /** All that its clients sent, also inside the tunnels. */
  received(): string;
}

export async function openConnectProxy(): Promise<ConnectProxy> {
  const sockets = new Set<Duplex>();
  const received: Buffer[] = [];
  const server = createServer((_, response) => response.writeHead(405).end());
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('connect', (request: IncomingMessage, client: Duplex, head: Buffer) => {
    const target = request.url ?? '';
    proxy.targets.push(target);
    received.push(Buffer.from(JSON.stringify(request.headers)), head);
    client.on('data', (data: Buffer) => received.push(data));
    const { conduct, identity } = proxy;
    const sent = request.headers['proxy-authorization'];
    const wanted = `Basic ${Buffer.from(identity ?? '').toString('base64')}`;
    if (conduct === 'hang') return;
    const status = identity !== undefined && sent !== wanted ? 407 : conduct;
    if (status !== 'connect') {
      client.end(`HTTP/1.1 ${status} No\r\nContent-Length: 6\r\n\r\n<html>`);
      return;
    }
    const [, host = '', port = ''] = /^(.+):(\d+)$/.exec(target) ?? [];
    const upstream = connect(proxy.leadsTo ?? Number(port), proxy.leadsTo === undefined ? host : '127.0.0.1');
    sockets.add(upstream);
    upstream.on('error', () => client.destroy());
    upstream.on('connect', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(client);
      client.pipe(upstream);
    });
    client.on('close', () => upstream.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const proxy: ConnectProxy = {
    url: `http://127.0.0.1:${port}`,
    port,
    leadsTo: undefined,
    conduct: 'connect',
    identity: undefined,
    targets: [],
    received: () => Buffer.concat(received).toString('latin1'),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await once(server.close(), 'close');
    },
  };
  return proxy;
}
