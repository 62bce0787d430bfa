import { once } from 'node:events';
import type { Server } from 'node:http';
import { errorCode } from '../../model/error-description.ts';
import { Failure } from '../../model/failure.ts';
import { untilAborted } from '../../timing/sleep.ts';

/** Where a server listens. */
export interface HttpAddress {
  /** A name or an address of this machine. */
  readonly host: string;
  /** 0: a free port, which the log names. */
  readonly port: number;
}

/** How messages speak of a server. */
export interface ServerName {
  /** As in `The HTTP port cannot listen`. */
  readonly subject: string;
  /** The key with the port, and its variable. */
  readonly port: string;
  /** The key with the host, and its variable. */
  readonly host: string;
}

/** Opens the port. @returns the address that was bound. @throws Failure `port-taken` */
export async function listen(
  server: Server,
  { host, port }: HttpAddress,
  name: ServerName,
): Promise<{ readonly address: string; readonly port: number }> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw cannotListen({ host, port }, name, error);
  }
  const address = server.address();
  return typeof address === 'object' && address !== null ? address : { port, address: host };
}

/** Closes the port and every connection when the signal is aborted, and resolves then. */
export async function closeWhenAborted(server: Server, signal: AbortSignal): Promise<void> {
  await untilAborted(signal);
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

function cannotListen({ host, port }: HttpAddress, name: ServerName, cause: unknown): Failure {
  const network = errorCode(cause) ?? 'unknown';
  return new Failure({
    code: 'port-taken',
    message: `${name.subject} cannot listen on ${host}, port ${port} (${network}).`,
    remedy: `Set ${name.port} to a free port, or stop the program that uses it. ${name.host} must be an address of this machine.`,
    cause,
    details: { host, port, network },
  });
}
