import { Failure } from '../../model/failure.ts';

/** What Node calls a certificate that does not stand for the host, or that nobody it trusts has signed. */
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

/** The failure that an error of a connection means which repeating does not mend; other errors as they are. */
export function connectionFailure(error: unknown, origin: string): unknown {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code !== 'string' || !CERTIFICATE_CODES.has(code)) return error;
  return new Failure({
    code: 'certificate-refused',
    message: `The certificate of ${origin} is not accepted (${code}); nothing was sent.`,
    cause: error,
  });
}
