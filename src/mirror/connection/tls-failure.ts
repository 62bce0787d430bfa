import { Socket } from 'node:net';
import { errorCode } from '../../model/error-description.ts';
import { Failure } from '../../model/failure.ts';
import { certificateTrouble, isTlsCode } from '../../model/tls-codes.ts';

const TRY_REQUIRE = 'sslmode=require encrypts without knowing to whom.';

interface Kind {
  readonly holds: (code: string) => boolean;
  /** @param server how messages name the server. */
  readonly message: (server: string) => string;
  readonly remedy: string;
  /** A connection that broke in the middle may look like this too. Absent, the failure stops the table. */
  readonly passes?: true;
}

const KINDS: readonly Kind[] = [
  {
    holds: (code) => code === 'NO_TLS',
    message: (server) => `${server} offers no TLS`,
    remedy:
      'Turn ssl on at the server, or, on a network you trust, add sslmode=disable to postgres.url (DATABASE_URL).',
  },
  {
    holds: (code) => certificateTrouble(code) === 'other-host',
    message: (server) => `The certificate of ${server} is for another host`,
    remedy:
      'Use a host name of the certificate in postgres.url (DATABASE_URL), or sslmode=verify-ca with sslrootcert= for a CA of your own.',
  },
  {
    holds: (code) => certificateTrouble(code) === 'not-now',
    message: (server) => `The certificate of ${server} is not valid now`,
    remedy: "Renew the server's certificate, and check the clocks.",
  },
  {
    holds: (code) => certificateTrouble(code) === 'not-trusted',
    message: (server) => `The certificate of ${server} comes from a CA that is not trusted here`,
    remedy: `Name the CA's certificate file by sslrootcert= in postgres.url (DATABASE_URL). ${TRY_REQUIRE}`,
  },
  {
    passes: true,
    holds: isTlsCode,
    message: (server) => `TLS to ${server} cannot be set up`,
    remedy:
      'Check that the server speaks TLS 1.2 or later, and the files of sslrootcert, sslcert and sslkey in postgres.url (DATABASE_URL).',
  },
];

/**
 * Turns a TLS error into the failure `database-tls`, by its code; undefined for any other error.
 *
 * @param server how the message names the server.
 */
export function tlsFailure(error: unknown, server = 'PostgreSQL'): Failure | undefined {
  const code = errorCode(error) ?? '';
  const kind = KINDS.find(({ holds }) => holds(code));
  if (kind === undefined) return undefined;
  return new Failure({
    code: 'database-tls',
    reaction: kind.passes === true ? 'retry' : 'stop-table',
    message: `${kind.message(server)} (${code}).`,
    remedy: kind.remedy,
    details: { tls: code },
  });
}

/** The answer to SSLRequest of a server without TLS. (PostgreSQL manual, 54.2.11 SSL Session Encryption.) */
const REFUSED = 'N'.charCodeAt(0);

/**
 * A socket for the driver that gives the server's refusal of TLS a code. The driver has only words for it, in
 * an error like that of a broken connection, which would be retried for ever.
 */
export function tlsRefusalSocket(): Socket {
  const socket = new Socket();
  socket.once('data', (answer: Buffer) => {
    if (answer[0] === REFUSED) {
      socket.emit('error', Object.assign(new Error('The server has no TLS.'), { code: 'NO_TLS' }));
    }
  });
  return socket;
}
