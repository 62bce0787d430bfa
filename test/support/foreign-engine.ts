import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

/** A server of PostgreSQL's protocol that knows `version()` and nothing else. */
export interface ForeignEngine extends AsyncDisposable {
  readonly url: string;
}

/** @param version what `version()` answers. */
export async function foreignEngine(version: string): Promise<ForeignEngine> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    let hasGreeted = false;
    socket.on('data', (data) => {
      const isTlsRequest = data.length === 8 && data.readInt32BE(4) === 80_877_103;
      if (isTlsRequest) socket.write('N');
      else if (!hasGreeted) hasGreeted = greet(socket);
      else if (data[0] === 0x51) answer(socket, data.toString().includes('SELECT version()'), version);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `postgres://mirror@127.0.0.1:${port}/crm`,
    async [Symbol.asyncDispose]() {
      server.close();
      await Promise.resolve();
    },
  };
}

/** A message of the protocol. (PostgreSQL manual, Frontend/Backend Protocol, Message Formats.) */
function message(type: string, ...parts: readonly (number[] | string)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const READY = message('Z', 'I');

function greet(socket: Socket): boolean {
  socket.write(Buffer.concat([message('R', [0, 0, 0, 0]), message('K', [0, 0, 0, 7, 0, 0, 0, 7]), READY]));
  return true;
}

function answer(socket: Socket, isAsked: boolean, version: string): void {
  if (!isAsked) {
    socket.write(Buffer.concat([message('E', 'SERROR\0C42883\0Munknown function\0\0'), READY]));
    return;
  }
  const column = message(
    'T',
    [0, 1],
    'version\0',
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 25, 255, 255, 255, 255, 255, 255, 0, 0],
  );
  const row = message('D', [0, 1, 0, 0, 0, Buffer.byteLength(version)], version);
  socket.write(Buffer.concat([column, row, message('C', 'SELECT 1\0'), READY]));
}
