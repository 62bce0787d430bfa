/** Something that keeps the bundled PostgreSQL from running, with what the user can do about it. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
  readonly remedy: string;

  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.remedy = remedy;
  }
}

/** The remedy that always works: a PostgreSQL server of the user's own. */
export const OWN_SERVER_REMEDY =
  'set DATABASE_URL (or postgres.url) to a PostgreSQL server of your own: postgres://user:password@host/database';

/** The code of a system or PostgreSQL error (`ENOENT`, `28P01`), if it has one. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
