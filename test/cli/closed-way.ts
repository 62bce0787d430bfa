import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from './bench.ts';

/** An address that can be opened later. */
export interface ClosedWay extends AsyncDisposable {
  readonly url: string;
  open(): Promise<void>;
}

/** An address of the database that nobody answers at before it is opened. */
export async function closedWay(databaseUrl: string): Promise<ClosedWay> {
  const target = new URL(databaseUrl);
  const address = new URL(databaseUrl);
  address.hostname = '127.0.0.1';
  address.port = String(await freePort());
  const sockets = new Set<Socket>();
  const server: Server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    near.pipe(far).pipe(near);
  });
  return {
    url: address.href,
    async open() {
      server.listen(Number(address.port), '127.0.0.1');
      await once(server, 'listening');
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      if (server.listening) await once(server.close(), 'close');
    },
  };
}
