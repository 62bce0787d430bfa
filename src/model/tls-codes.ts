/** What is wrong with a certificate that is not accepted. */
export type CertificateTrouble = 'other-host' | 'not-now' | 'not-trusted';

/** Codes of OpenSSL and of Node's TLS, by the kind of trouble. (Node's manual, "TLS/SSL", X509 certificate error codes.) */
const CERTIFICATE_CODES: readonly (readonly [CertificateTrouble, RegExp])[] = [
  ['other-host', /^(ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH)$/],
  ['not-now', /^(CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|ERROR_IN_CERT_NOT_\w+_FIELD|CERT_REVOKED)$/],
  [
    'not-trusted',
    /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|CERT_\w+|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED)$/,
  ],
];

/** What a code says about the certificate of a server; undefined for a code that is not about a certificate. */
export function certificateTrouble(code: string): CertificateTrouble | undefined {
  return CERTIFICATE_CODES.find(([, codes]) => codes.test(code))?.[0];
}

/** Whether a code says that TLS broke, or that the other side does not speak TLS. */
export function isTlsCode(code: string): boolean {
  return /^(ERR_SSL_\w+|ERR_OSSL_\w+|ERR_TLS_\w+|EPROTO)$/.test(code);
}
