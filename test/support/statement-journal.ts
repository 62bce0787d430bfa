import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Passes connections on to PostgreSQL, and writes down each statement that a client sends. */
export interface StatementJournal extends AsyncDisposable {
  /** The address of the database through the journal. */
  readonly url: string;
  readonly statements: readonly string[];
}

/** @param url of a server without TLS. */
export async function statementJournal(url: string): Promise<StatementJournal> {
  const target = new URL(url);
  const statements: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    const read = reader((statement) => statements.push(statement));
    client.on('data', read);
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        client.destroy();
        upstream.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const through = new URL(url);
  through.port = String((server.address() as AddressInfo).port);
  through.hostname = '127.0.0.1';
  return {
    url: through.href,
    statements,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/**
 * Takes the messages of one connection apart: a greeting without a type, and then messages of a type, a length and a
 * body. `Q` and `P` have statements. (PostgreSQL manual, Message Formats.)
 */
function reader(tell: (statement: string) => void): (data: Buffer) => void {
  let rest = Buffer.alloc(0);
  let hasGreeted = false;
  return (data) => {
    rest = Buffer.concat([rest, data]);
    for (;;) {
      const head = hasGreeted ? 1 : 0;
      if (rest.length < head + 4) return;
      const end = head + rest.readInt32BE(head);
      if (rest.length < end) return;
      const type = hasGreeted ? String.fromCharCode(rest[0] ?? 0) : '';
      const [first = '', second = ''] = rest
        .subarray(head + 4, end)
        .toString()
        .split('\0');
      if (type === 'Q') tell(first);
      if (type === 'P') tell(second);
      const isTlsRequest = !hasGreeted && end === 8;
      hasGreeted ||= !isTlsRequest;
      rest = rest.subarray(end);
    }
  };
}
