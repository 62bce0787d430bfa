import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** A change as a receiver reads it. */
export interface ReceivedChange {
  readonly table: string;
  readonly key: string | null;
  readonly operation: string;
  readonly position: string | null;
  readonly version: string | null;
  readonly before: Record<string, unknown> | null;
  readonly after: Record<string, unknown> | null;
  readonly omitted?: true;
}

/** A call that came, whatever was answered. */
export interface ReceivedCall {
  readonly id: string;
  readonly timestamp: number;
  readonly signature: string;
  readonly path: string;
  readonly body: string;
  readonly changes: readonly ReceivedChange[];
}

/** What the receiver does with a call instead of taking it: a status with headers, or anything else. */
export type Conduct = (
  call: ReceivedCall,
  response: http.ServerResponse,
) => number | readonly [status: number, headers: Record<string, string>] | 'handled';

/** A receiver of webhooks on this machine. */
export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Every call, in the order in which they came. */
  readonly calls: ReceivedCall[];
  /** The calls that it took. */
  readonly taken: ReceivedCall[];
  /** The changes of the calls that it took. */
  changes(): readonly ReceivedChange[];
  conduct: Conduct;
}

const TLS = join(import.meta.dirname, '..', 'fixtures', 'tls');
const readTls = (part: string): string => readFileSync(join(TLS, `localhost-${part}.pem`), 'utf8');
/** The certificate of a receiver that speaks https. */
export const receiverCertificate = (): string => readTls('certificate');

export async function openReceiver(scheme: 'http' | 'https' = 'http'): Promise<Receiver> {
  const listen: http.RequestListener = (request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('error', () => undefined);
    request.on('end', () => {
      const body = Buffer.concat(pieces).toString('utf8');
      const header = (name: string): string => String(request.headers[name]);
      const { data } = JSON.parse(body) as { data: { changes: ReceivedChange[] } };
      const call: ReceivedCall = {
        id: header('webhook-id'),
        timestamp: Number(header('webhook-timestamp')),
        signature: header('webhook-signature'),
        path: request.url ?? '',
        body,
        changes: data.changes,
      };
      receiver.calls.push(call);
      const answer = receiver.conduct(call, response);
      if (answer === 'handled') return;
      const [status, headers] = typeof answer === 'number' ? [answer, {}] : answer;
      if (status < 300) receiver.taken.push(call);
      response.writeHead(status, headers).end();
    });
  };
  const server =
    scheme === 'http'
      ? http.createServer(listen)
      : https.createServer({ key: readTls('key'), cert: readTls('certificate') }, listen);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const taken: ReceivedCall[] = [];
  const receiver: Receiver = {
    url: `${scheme}://127.0.0.1:${port}/hook`,
    port,
    calls: [],
    taken,
    changes: () => taken.flatMap(({ changes }) => changes),
    conduct: () => 204,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return receiver;
}
