import { isIPv6 } from 'node:net';
import { errorCode } from '../../model/error-description.ts';
import { Failure } from '../../model/failure.ts';
import { quoteIdentifier } from '../table/identifier.ts';
import { isPassing, isPostgresError, postgresFailure, type PostgresError } from './sqlstate.ts';
import { tlsFailure } from './tls-failure.ts';

/** Where a connection goes, and as whom. The driver has filled in its defaults, such as PGHOST. */
export interface Destination {
  /** A name, an address, or the directory of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

/** What is known about the attempt, beside its error. */
export interface Attempt {
  /** The server asked for a password, and none is configured. */
  readonly lacksPassword: boolean;
  /** The password is a token of Entra ID. */
  readonly usesToken: boolean;
  /** Milliseconds from the start of the attempt to its end. */
  readonly took: number;
}

/** Says what happened. Without a remedy, the remedy of the failure's code stays. */
interface Saying {
  readonly message: string;
  readonly remedy?: string;
}

/**
 * The failure of a connection that could not be made. It names server, user and database, and never a password.
 *
 * @param error what the driver threw. A failure comes back unchanged.
 */
export function connectFailure(error: unknown, to: Destination, attempt: Attempt): Failure {
  if (error instanceof Failure) return error;
  const at = `PostgreSQL at ${serverName(to)}`;
  if (attempt.lacksPassword) {
    return new Failure({
      code: 'database-sign-in',
      message: `${at} asks user ${to.user} for a password, and none is given.`,
      remedy: 'Put the password into postgres.url (DATABASE_URL): postgres://user:password@host/database.',
    });
  }
  const refusedTls = tlsFailure(error, at);
  if (refusedTls !== undefined) return refusedTls;
  const failure = postgresFailure(error);
  if (!(failure instanceof Failure)) return unreachable(error, at, attempt);
  const { message, remedy } = isPostgresError(error)
    ? refusal(error, at, to, attempt)
    : networkTrouble(failure, at, to, attempt);
  return failure.saying(message, remedy);
}

/** Host and port, or the path of the socket. The driver makes this path in the same way. */
export function serverName({ host, port }: Pick<Destination, 'host' | 'port'>): string {
  if (host.startsWith('/')) return `the socket ${host}/.s.PGSQL.${port}`;
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

function refusal(
  error: PostgresError,
  at: string,
  { host, port, user, database }: Destination,
  { usesToken }: Attempt,
): Saying {
  const { code, routine } = error;
  const refused = `(SQLSTATE ${code})`;
  switch (code) {
    case '28P01':
      return usesToken
        ? {
            message: `${at} refused the Entra ID token for user ${user} ${refused}.`,
            remedy: TOKEN_REMEDY(user),
          }
        : {
            message: `${at} refused the password of user ${user}, or does not know this user ${refused}.`,
            remedy: 'Check user and password in postgres.url (DATABASE_URL).',
          };
    case '28000':
      // The function that compares a connection with pg_hba.conf. All others are about the role itself.
      return routine === 'ClientAuthentication'
        ? {
            message: `${at} has no rule that lets user ${user} into database ${database} from this address ${refused}.`,
            remedy:
              'Add a rule for them to pg_hba.conf (a hostssl rule needs sslmode=require or stricter in postgres.url), or correct user and database in postgres.url (DATABASE_URL).',
          }
        : {
            message: `${at} does not let user ${user} in: the role does not exist, or may not log in ${refused}.`,
            remedy: usesToken
              ? TOKEN_REMEDY(user)
              : `Run CREATE ROLE ${quoteIdentifier(user)} LOGIN PASSWORD …, or correct the user in postgres.url (DATABASE_URL).`,
          };
    case '3D000':
      return {
        message: `${at} has no database ${database}.`,
        remedy: `Run CREATE DATABASE ${quoteIdentifier(database)} ENCODING 'UTF8' TEMPLATE template0, or correct the database in postgres.url (DATABASE_URL).`,
      };
    // PostgreSQL itself never refuses what the driver says. Poolers use this code for most of their refusals.
    case '08P01':
      return {
        message: `The connection pooler at ${serverName({ host, port })} refused user ${user} or database ${database} ${refused}.`,
      };
    case '42501':
      return { message: `${at} does not let user ${user} connect to database ${database} ${refused}.` };
    case '53300':
      return {
        message: `${at} has no connection left for user ${user} ${refused}.`,
        remedy:
          'Raise max_connections of the server or the connection limit of the role, or lower limits.tables (MIRRORVERSE_TABLES_AT_ONCE).',
      };
    default:
      return {
        message: `${at} ${isPassing(error) ? 'cannot serve now' : 'refused the connection'} ${refused}.`,
      };
  }
}

const TOKEN_REMEDY = (user: string): string =>
  `Check that the role ${user} stands for the identity of AZURE_CLIENT_ID: an Entra administrator of the server makes it with pgaadauth_create_principal. The user of postgres.url (DATABASE_URL) is the name of this role.`;

function networkTrouble(failure: Failure, at: string, to: Destination, attempt: Attempt): Saying {
  const code = failure.details['network'];
  if (typeof code !== 'string') return failure;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return {
      message: `The host name ${to.host} of PostgreSQL does not resolve (${code}).`,
      remedy:
        'Correct the host in postgres.url (DATABASE_URL), or PGHOST if the address names none. Otherwise check the name service of this machine.',
    };
  }
  return { message: `${at} cannot be reached (${told(code, attempt)}).` };
}

/** Milliseconds after which a connection that ended without a word counts as one that got no answer. */
const SHORTEST_WAIT = 1_000;

function told(code: string, { took }: Attempt): string {
  if (code !== 'no answer') return code;
  if (took < SHORTEST_WAIT) return 'it closed the connection';
  return `no answer within ${Math.round(took / 1_000)} s`;
}

function unreachable(error: unknown, at: string, attempt: Attempt): Failure {
  const code = errorCode(error) ?? 'no answer';
  return new Failure({
    code: 'database-unreachable',
    message: `${at} cannot be reached (${told(code, attempt)}).`,
    cause: error,
    details: { network: code },
  });
}
