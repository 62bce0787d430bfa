import { readFileSync } from 'node:fs';
import * as tls from 'node:tls';
import { Client, type PoolConfig } from 'pg';
import { errorCode } from '../model/error-code.ts';
import { tlsChoice, tlsNotSetUp, TLS_PARAMETERS, type TlsChoice } from '../model/tls-choice.ts';
import { tlsFailure, tlsRefusalSocket } from './tls-failure.ts';

/**
 * What the driver is given for a connection URL. It would read the TLS parameters in ways of its own,
 * which change with its versions, and `PGSSLMODE`: so they are taken out, and the result is always said.
 *
 * @throws Failure `database-tls` for parameters that cannot be followed and files that cannot be read.
 */
export function connectionTo(
  url: string,
): Pick<PoolConfig, 'connectionString' | 'ssl' | 'stream' | 'sslnegotiation'> {
  const address = new URL(url);
  const parameters = new URLSearchParams(address.searchParams);
  const given = TLS_PARAMETERS.filter((name) => parameters.has(name));
  for (const name of given) address.searchParams.delete(name);
  const connectionString = given.length === 0 ? url : address.href;
  // The driver's own reading of the host: the address, its `host` parameter, or PGHOST.
  const { host } = new Client({ connectionString, ssl: false, sslnegotiation: 'postgres' });
  const choice = tlsChoice(host, parameters);
  if (choice.mode === 'plain') return { connectionString, ssl: false, sslnegotiation: 'postgres' };
  return {
    connectionString,
    ssl: tlsOptions(choice),
    sslnegotiation: choice.direct ? 'direct' : 'postgres',
    ...(choice.direct ? {} : { stream: tlsRefusalSocket }),
  };
}

function tlsOptions({ mode, rootCertificate, client }: TlsChoice): tls.ConnectionOptions {
  const trusted = (): string | string[] | undefined =>
    rootCertificate === undefined ? systemCertificates() : fileOf('sslrootcert', rootCertificate);
  const ca = mode === 'encrypt' ? undefined : trusted();
  // Made once: reading the system's certificates again for every connection would take longer than they do.
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
    throw tlsNotSetUp(
      `cannot read the file of ${parameter} (${errorCode(error) ?? ''})`,
      `Correct ${parameter} in postgres.url (DATABASE_URL): ${path} is no file this process can read.`,
    );
  }
}

/** Node's own list and the machine's; the first alone where Node is too old to ask for the second. */
function systemCertificates(): string[] | undefined {
  if (!('getCACertificates' in tls)) return undefined;
  return [...new Set([...tls.getCACertificates('default'), ...tls.getCACertificates('system')])];
}
