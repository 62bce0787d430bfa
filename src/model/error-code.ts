/** The code of a system, TLS or PostgreSQL error (`ENOENT`, `CERT_HAS_EXPIRED`, `28P01`), if it has one. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
