import { Failure } from '../../model/failure.ts';
import { isLoopback } from '../../model/loopback.ts';

/** How a connection is protected. */
export interface TlsChoice {
  /**
   * `encrypt`: any answering server is trusted. `verify-ca`: a CA must have signed for it. `verify-full`: a
   * CA must have signed for this host.
   */
  readonly mode: 'plain' | 'encrypt' | 'verify-ca' | 'verify-full';
  /** File with the CA's certificates; absent, the system's CAs count. */
  readonly rootCertificate?: string;
  readonly client?: { readonly certificate: string; readonly key: string; readonly passphrase?: string };
  readonly direct: boolean;
}

/** Parameters about TLS, under libpq's names; `ssl` is JDBC's, `uselibpqcompat` the driver's. */
const READ = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'sslpassword', 'sslnegotiation'];
export const TLS_PARAMETERS = [...READ, 'ssl', 'uselibpqcompat'];
/** These do not change what is protected. */
const HARMLESS = ['sslcompression', 'sslsni'];
/** libpq's word for the CAs that the system trusts. */
const SYSTEM = 'system';

/**
 * How to connect to a host, as libpq reads `sslmode` (PostgreSQL manual, 32.19 SSL Support), with two stricter rules.
 * Without `sslmode`, every host but this machine needs a certificate for its name. And no connection falls back to
 * plain text: `allow` and `prefer` mean `require`, except on this machine, where they mean plain text.
 *
 * @param host as the driver resolved it; a path means a Unix socket, on which there is no TLS.
 * @throws Failure `database-tls` where the parameters cannot be followed exactly.
 */
export function tlsChoice(host: string, parameters: URLSearchParams): TlsChoice {
  const direct = parameters.get('sslnegotiation') === 'direct';
  // A parameter that is ignored might be the one that safety rests on, such as sslcrl.
  for (const name of parameters.keys()) {
    if (/^ssl/i.test(name) && ![...TLS_PARAMETERS, ...HARMLESS].includes(name)) {
      throw tlsNotSetUp(`does not know ${name}`, `Take ${name} out of postgres.url (DATABASE_URL).`);
    }
  }
  if (host === '' || host.startsWith('/')) return { mode: 'plain', direct: false };
  const rootCertificate = parameters.get('sslrootcert') ?? undefined;
  const mode = modeOf(host, parameters);
  if (mode === 'plain' && direct) {
    throw tlsNotSetUp('cannot begin with TLS where sslmode is without', 'Use sslmode=verify-full.');
  }
  if (mode !== 'plain' && mode !== 'verify-full' && rootCertificate === SYSTEM) {
    throw tlsNotSetUp('needs sslmode=verify-full with sslrootcert=system', 'Use sslmode=verify-full.');
  }
  const client = clientCertificate(parameters);
  return {
    mode,
    direct,
    ...(rootCertificate === undefined || rootCertificate === SYSTEM ? {} : { rootCertificate }),
    ...(client === undefined ? {} : { client }),
  };
}

function modeOf(host: string, parameters: URLSearchParams): TlsChoice['mode'] {
  const mode = parameters.get('sslmode');
  const hasRoot = parameters.has('sslrootcert');
  switch (mode) {
    case 'disable':
      return 'plain';
    case 'allow':
    case 'prefer':
      if (isLoopback(host)) return 'plain';
      return hasRoot ? 'verify-ca' : 'encrypt';
    case 'require':
      return hasRoot ? 'verify-ca' : 'encrypt';
    case 'verify-ca':
      // A public CA signs for anybody: without the host's name, only a private CA proves something.
      if (hasRoot) return 'verify-ca';
      throw tlsNotSetUp('needs sslrootcert with sslmode=verify-ca', 'Add sslrootcert=, or use verify-full.');
    case 'verify-full':
      return 'verify-full';
    case null:
      break;
    default:
      throw tlsNotSetUp(
        'knows no such sslmode',
        'Use disable, require, verify-ca or verify-full for sslmode in postgres.url (DATABASE_URL).',
      );
  }
  const ssl = parameters.get('ssl');
  if (ssl !== null && ssl !== 'true' && ssl !== '1') {
    throw tlsNotSetUp(
      'takes ssl=true only',
      'Say sslmode=disable in postgres.url (DATABASE_URL) for no TLS.',
    );
  }
  const isWanted = ssl !== null || hasRoot || parameters.get('sslnegotiation') === 'direct';
  return isLoopback(host) && !isWanted ? 'plain' : 'verify-full';
}

function clientCertificate(parameters: URLSearchParams): TlsChoice['client'] {
  const certificate = parameters.get('sslcert');
  const key = parameters.get('sslkey');
  if (certificate === null && key === null) return undefined;
  if (certificate === null || key === null) {
    throw tlsNotSetUp('needs both sslcert and sslkey', 'Add the other one to postgres.url (DATABASE_URL).');
  }
  const passphrase = parameters.get('sslpassword');
  return { certificate, key, ...(passphrase === null ? {} : { passphrase }) };
}

/** The failure of TLS that the address sets up wrongly. */
export function tlsNotSetUp(what: string, remedy: string): Failure {
  return new Failure({
    code: 'database-tls',
    reaction: 'stop-table',
    message: `TLS to PostgreSQL is not set up: mirrorverse ${what}.`,
    remedy,
  });
}
