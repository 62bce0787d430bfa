import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import * as tls from 'node:tls';
import { Client, type PoolConfig } from 'pg';
import { errorCode } from '../../model/error-description.ts';
import { addressText, parseAddress } from './postgres-address.ts';
import { tlsChoice, tlsNotSetUp, TLS_PARAMETERS, type TlsChoice } from './tls-choice.ts';
import { tlsFailure, tlsRefusalSocket } from './tls-failure.ts';

/**
 * The driver's configuration for a connection URL. The driver would read the TLS parameters and `PGSSLMODE`
 * in its own ways, which change with its versions. So they are taken out, and the result is always set.
 *
 * @throws Failure `database-tls` for parameters that cannot be followed and files that cannot be read.
 */
export function connectionTo(
  url: string,
): Pick<PoolConfig, 'connectionString' | 'ssl' | 'stream' | 'sslnegotiation'> {
  const address = parseAddress(url) ?? new URL(url);
  const parameters = new URLSearchParams(address.searchParams);
  for (const name of TLS_PARAMETERS) address.searchParams.delete(name);
  // libpq's name for what the driver reads only from the path.
  const database = parameters.get('dbname');
  if (database !== null && address.pathname.length <= 1)
    address.pathname = `/${encodeURIComponent(database)}`;
  // The driver resolves the host: from the address, its `host` parameter, or PGHOST.
  const plain = { ssl: false, sslnegotiation: 'postgres' } as const;
  const { host, user } = new Client({ connectionString: addressText(address), ...plain });
  if (user === undefined) address.searchParams.set('user', accountName());
  const connectionString = addressText(address);
  const choice = tlsChoice(host, parameters);
  if (choice.mode === 'plain') return { connectionString, ...plain };
  return {
    connectionString,
    ssl: tlsOptions(choice),
    sslnegotiation: choice.direct ? 'direct' : 'postgres',
    ...(choice.direct ? {} : { stream: tlsRefusalSocket }),
  };
}

/** The user's name where none is given, as libpq takes it. The driver would look at variables alone. */
function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    // The system has no name for the account, as may happen in containers.
    return '';
  }
}

function tlsOptions({ mode, rootCertificate, client }: TlsChoice): tls.ConnectionOptions {
  const trusted = (): string | string[] | undefined =>
    rootCertificate === undefined ? systemCertificates() : fileOf('sslrootcert', rootCertificate);
  const ca = mode === 'encrypt' ? undefined : trusted();
  // Made once: reading the system's certificates for every connection would take longer than the connection.
  const secureContext = securely({
    ...(ca === undefined ? {} : { ca }),
    ...(client === undefined
      ? {}
      : {
          cert: fileOf('sslcert', client.certificate),
          key: fileOf('sslkey', client.key),
          ...(client.passphrase === undefined ? {} : { passphrase: client.passphrase }),
        }),
  });
  return {
    secureContext,
    rejectUnauthorized: mode !== 'encrypt',
    ...(mode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
  };
}

function securely(options: tls.SecureContextOptions): tls.SecureContext {
  try {
    return tls.createSecureContext(options);
  } catch (error) {
    throw (
      tlsFailure(error) ??
      tlsNotSetUp(
        'cannot read the certificates or the key',
        'Check the files of sslrootcert, sslcert and sslkey: PEM is expected.',
      )
    );
  }
}

function fileOf(parameter: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // The parameter may hold the key itself by mistake, so it is not quoted.
    const named = parameter === 'sslkey' ? 'it' : path;
    throw tlsNotSetUp(
      `cannot read the file of ${parameter} (${errorCode(error) ?? ''})`,
      `Correct ${parameter} in postgres.url (DATABASE_URL): ${named} is no file this process can read.`,
    );
  }
}

/** Node's own list and the machine's list; only Node's where Node is too old to read the other. */
function systemCertificates(): string[] | undefined {
  if (!('getCACertificates' in tls)) return undefined;
  return [...new Set([...tls.getCACertificates('default'), ...tls.getCACertificates('system')])];
}
