import type { Config } from '../../config/config.ts';
import type { TokenSource } from '../../dataverse/sign-in/sign-in.ts';
import type { TokenPassword } from '../../mirror/connection/session.ts';
import { Failure } from '../../model/failure.ts';

/** Milliseconds for a sign-in, less than the driver waits for a connection. */
const TIME_LIMIT = 9_000;

/** A ready token, which the general remedy names too, is for the environment alone. */
const NO_WAY =
  'Set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or choose a way by MIRRORVERSE_AUTH.';

/** The password of PostgreSQL with `postgres.auth: entra`: a token of Entra ID, which is kept until shortly before its end. */
export function databaseToken({
  postgres,
  proxy,
}: Pick<Config, 'postgres' | 'proxy'>): TokenPassword | undefined {
  if (postgres?.entra === undefined) return undefined;
  const { signIn, resource } = postgres.entra;
  let opened: TokenSource | undefined;
  let last: string | undefined;
  const read = async (signal: AbortSignal): Promise<string> => {
    // Loaded only when it is needed, because it takes half of the start-up time.
    const { createTokenSource } = await import('../../dataverse/sign-in/sign-in.ts');
    opened ??= createTokenSource(signIn, resource, { proxy });
    return opened.token(signal);
  };
  return {
    async token() {
      const signal = AbortSignal.timeout(TIME_LIMIT);
      try {
        last = await read(signal);
        return last;
      } catch (error) {
        if (error instanceof Failure) {
          const remedy = signIn.method === 'default' ? NO_WAY : error.remedy;
          throw error.saying(`The sign-in for PostgreSQL failed. ${error.message}`, remedy);
        }
        if (!signal.aborted) throw error;
        throw new Failure({
          code: 'sign-in-unreachable',
          message: `The sign-in for PostgreSQL by ${signIn.method} took longer than ${TIME_LIMIT / 1_000} s.`,
        });
      }
    },
    refused() {
      if (last !== undefined) opened?.refuse(last);
    },
  };
}
