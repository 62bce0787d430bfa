import { Failure } from '../../model/failure.ts';
import { errorCode } from '../../model/error-description.ts';
import { certificateTrouble, isTlsCode, type CertificateTrouble } from '../../model/tls-codes.ts';
import { isProxyCode, proxyFailure, ProxyError, proxyTroublePasses } from './proxy-failure.ts';
import type { ProxySettings } from './proxy-settings.ts';
import { exhausted, type Subject } from '../http/api-failure.ts';
import { isTimeoutError } from '../http/http-client.ts';
import { networkCode } from '../http/retry.ts';

/** Stands for a code in the log when the client's own time limit ended the wait. */
export const TIME_OUT = 'time-out';

/** The code of trouble that passes; undefined for an error that another try does not mend. */
export function passingCode(error: unknown): string | undefined {
  if (error instanceof ProxyError) return proxyTroublePasses(error.code) ? error.code : undefined;
  return networkCode(error) ?? (isTimeoutError(error) ? TIME_OUT : undefined);
}

/** Codes of a connection that was never made. */
const NO_CONNECTION = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'ETIMEDOUT',
]);

/** Whether nothing at all was reached: most likely the address is wrong, if it was never reached before. */
export function isNoConnection(code: string): boolean {
  return NO_CONNECTION.has(code) || isProxyCode(code);
}

/**
 * Whether a request is not repeated where nothing has answered at the address yet: a server that does not speak TLS
 * does not learn it. Later the same code tells of a connection that was garbled on its way.
 */
export function endsFirstContact(code: string): boolean {
  return isTlsCode(code);
}

/**
 * The failure of an environment that could not be reached. An error that is not about the connection comes back
 * unchanged.
 *
 * @param attempts how often the request was sent, or was to be sent.
 */
export function connectionFailure(
  error: unknown,
  attempts: number,
  subject: Subject,
  origin: string,
  proxy: ProxySettings | undefined,
): unknown {
  if (error instanceof ProxyError && proxy !== undefined) {
    return proxyFailure(error.code, error.target, proxy);
  }
  const passing = passingCode(error);
  if (passing === 'ENOTFOUND' || passing === 'EAI_AGAIN') return unresolved(passing, subject, origin, error);
  if (passing !== undefined && isTlsCode(passing)) return noTls(passing, subject, origin, error);
  if (passing !== undefined) {
    const failure = exhausted(passing, attempts, subject, error);
    return isNoConnection(passing)
      ? failure.saying(`${origin} cannot be reached. ${failure.message}`, UNREACHED)
      : failure;
  }
  const code = errorCode(error) ?? '';
  const trouble = certificateTrouble(code);
  if (trouble === undefined) return isTlsCode(code) ? noTls(code, subject, origin, error) : error;
  const { what, remedy } = CERTIFICATE[trouble];
  return new Failure({
    code: 'certificate-refused',
    message: `The certificate of ${origin} ${what} (${code}); nothing was sent.`,
    remedy,
    cause: error,
  });
}

const CERTIFICATE: Readonly<Record<CertificateTrouble, { readonly what: string; readonly remedy: string }>> =
  {
    'other-host': {
      what: 'is for another host',
      remedy:
        'Check the host name in dataverse.url (DATAVERSE_URL): it must be a name that the certificate has.',
    },
    'not-now': {
      what: 'is not valid now',
      remedy:
        "Check this machine's clock. If the clock is right, the certificate of the server must be renewed.",
    },
    'not-trusted': {
      what: 'comes from an authority that is not trusted here',
      remedy:
        'Check dataverse.url (DATAVERSE_URL). Behind a proxy that opens TLS, name the file with the certificate of its authority in NODE_EXTRA_CA_CERTS.',
    },
  };

/** Nothing that was sent has arrived: the other side speaks another protocol, such as http, or another version of TLS. */
function noTls(code: string, { table }: Subject, origin: string, cause: unknown): Failure {
  return new Failure({
    code: 'source-unavailable',
    message: `${origin} does not speak TLS as https: needs it (${code}).`,
    remedy:
      'Check host and port in dataverse.url (DATAVERSE_URL), and what answers there. Environments of Dataverse answer at port 443. `mirrorverse emulator` speaks http:, not https:.',
    cause,
    details: table === undefined ? {} : { table },
  });
}

const UNREACHED = 'Check dataverse.url (DATAVERSE_URL), and the network from here to the environment.';

function unresolved(code: string, { table }: Subject, origin: string, cause: unknown): Failure {
  return new Failure({
    code: 'source-unavailable',
    message: `The host name ${new URL(origin).hostname} of the environment does not resolve (${code}).`,
    remedy: 'Check dataverse.url (DATAVERSE_URL), and the name service of this machine.',
    cause,
    details: table === undefined ? {} : { table },
  });
}
