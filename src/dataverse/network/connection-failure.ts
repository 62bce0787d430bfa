import { Failure } from '../../model/failure.ts';
import { isProxyCode, proxyFailure, ProxyError, proxyTroublePasses } from './proxy-failure.ts';
import type { ProxySettings } from './proxy-settings.ts';
import { exhausted, type Subject } from '../http/api-failure.ts';
import { isTimeoutError } from '../http/http-client.ts';
import { networkCode } from '../http/retry.ts';

/** Stands for a code in the log when the client's own time limit ended the wait. */
export const TIME_OUT = 'time-out';

/** Node's codes for a certificate of another host, or one that no trusted authority has signed. */
const CERTIFICATE_CODES = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REVOKED',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

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
  if (passing !== undefined) {
    const failure = exhausted(passing, attempts, subject, error);
    return isNoConnection(passing)
      ? failure.saying(`${origin} cannot be reached. ${failure.message}`, UNREACHED)
      : failure;
  }
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code !== 'string' || !CERTIFICATE_CODES.has(code)) return error;
  return new Failure({
    code: 'certificate-refused',
    message: `The certificate of ${origin} is not accepted (${code}); nothing was sent.`,
    cause: error,
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
