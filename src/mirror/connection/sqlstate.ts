import { createRequire } from 'node:module';
import type * as Errors from 'drizzle-orm/errors';
import { errorCode } from '../../model/error-description.ts';
import { Failure, type CodeOfOneReaction } from '../../model/failure.ts';
import { qualifiedName, quoteIdentifier } from '../table/identifier.ts';
import { tlsFailure } from './tls-failure.ts';

/** Not from drizzle.ts, which loads all of drizzle: the first connection is made before that. */
export const { DrizzleQueryError } = createRequire(import.meta.url)('drizzle-orm/errors') as typeof Errors;

/** PostgreSQL's error as `pg` throws it. Its detail and context may quote rows: never log them. */
export interface PostgresError extends Error {
  readonly code: string;
  readonly where?: string;
  readonly constraint?: string;
  readonly column?: string;
  readonly schema?: string;
  readonly table?: string;
  /** Where in the statement the trouble is, in characters from 1. */
  readonly position?: string;
  /** The function in PostgreSQL's sources that reported the error. */
  readonly routine?: string;
}

export function isPostgresError(error: unknown): error is PostgresError {
  // Every SQLSTATE has a digit. The system's codes of the same length, such as EPIPE, have none.
  return error instanceof Error && 'code' in error && /^(?=.*\d)[0-9A-Z]{5}$/.test(String(error.code));
}

// Each entry is a class, by its first two characters, or one code. (PostgreSQL manual, appendix A.)
const PASSING = [
  '08', // connection exception
  '25006', // read_only_sql_transaction: a standby, or a failover under way
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '53', // insufficient resources: disk full, out of memory, too many connections
  '55P03', // lock_not_available
  '57014', // query_canceled
  '57P', // operator intervention: shutdown, crash, cannot connect now, idle time-out
  '58', // system error
];
const UNDER_WAY = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** Whether the same transaction may succeed when it is repeated at once. */
export function isContention(error: unknown): boolean {
  return hasCode(error, '40001', '40P01', '55P03');
}

/** Whether PostgreSQL cannot do it now and may be able to later, as when it has no room. */
export function isPassing({ code }: PostgresError): boolean {
  return PASSING.some((prefix) => code.startsWith(prefix));
}

/** Whether a lock did not come within the time that was set for it. */
export function isLockNotAvailable(error: unknown): boolean {
  return hasCode(error, '55P03');
}

/** Whether the session may only read. The server is a standby, or was one when the session began. */
export function isReadOnly(error: unknown): boolean {
  return hasCode(error, '25006');
}

/** Whether the role of `postgres.url` lacks a privilege. */
export function isPrivilegeError(error: unknown): boolean {
  return hasCode(error, '42501');
}

/** Whether a failure says that a schema or a table of ours is gone, such as the state schema. */
export function isObjectGone({ details }: Pick<Failure, 'details'>): boolean {
  // invalid_schema_name, undefined_table
  return details['sqlstate'] === '3F000' || details['sqlstate'] === '42P01';
}

/** Disk full, out of memory, configuration_limit_exceeded, and the class of system errors. */
const NO_ROOM = /^(?:53[124]00|58)/;
/** Deadlocks, locks that did not come in time, statements that a person cancelled. */
const ONE_STATEMENT = /^(?:40|55P03|57014)/;

/**
 * How far a failure of PostgreSQL reaches. `room`: PostgreSQL answers and has no room for what a table
 * writes. `table`: only this statement was refused. `process`: every table meets the same failure.
 *
 * @param details of a failure. Without a SQLSTATE in them the failure reaches the process.
 */
export function reachOfPostgresFailure(details: Failure['details'] = {}): 'process' | 'room' | 'table' {
  const { sqlstate } = details;
  if (typeof sqlstate !== 'string') return 'process';
  if (NO_ROOM.test(sqlstate)) return 'room';
  return ONE_STATEMENT.test(sqlstate) ? 'table' : 'process';
}

/** Whether the row is at fault: a data exception, a broken constraint, a limit, a trigger that raises. */
export function isRowError(error: unknown): error is PostgresError {
  // 54 is a limit of PostgreSQL, such as a row wider than a page. P0 is RAISE in a trigger.
  return isPostgresError(error) && /^(22|23|54|P0)/.test(error.code);
}

/** Whether binary data are no value of the column's type: too short, or of another form. */
export function isMismatchOfTypes(error: unknown): error is PostgresError {
  // protocol_violation, invalid_binary_representation, datatype_mismatch
  return hasCode(error, '08P01', '22P03', '42804');
}

function hasCode(thrown: unknown, ...codes: readonly string[]): boolean {
  const error = unwrapped(thrown);
  return isPostgresError(error) && codes.includes(error.code);
}

/** Drizzle's error quotes the statement's parameters, links among them. The error inside it does not. */
function unwrapped(error: unknown): unknown {
  return error instanceof DrizzleQueryError ? error.cause : error;
}

/** Turns any error of `pg` into a failure, drizzle's wrapping removed; others come back unchanged. */
export function postgresFailure(thrown: unknown): unknown {
  const error = unwrapped(thrown);
  if (error instanceof Failure) return error;
  if (isPostgresError(error)) return sqlFailure(error);
  const refused = tlsFailure(error);
  if (refused !== undefined) return refused;
  const code = errorCode(error);
  if (code !== undefined && UNDER_WAY.has(code)) return unreachable(error, code);
  if (error instanceof AggregateError && error.errors.length > 0) return postgresFailure(error.errors[0]);
  // The driver throws a plain Error without a code for a connection that ended or never answered. A defect of
  // ours would be a TypeError or similar.
  const isPlain = error instanceof Error && error.constructor === Error;
  // The pool gave up on a connection that took too long. The connection's own failure names the server.
  if (isPlain && error.cause instanceof Failure) return error.cause;
  if (isPlain && code === undefined) return unreachable(error, 'no answer');
  return error;
}

function sqlFailure(error: PostgresError): Failure {
  const { code: sqlstate } = error;
  const failure = (code: CodeOfOneReaction, message: string, remedy?: string): Failure =>
    new Failure({ code, message, remedy, cause: withoutRowValues(error), details: { sqlstate } });

  // PostgreSQL itself never refuses what the driver says. Poolers use this code for most of their refusals.
  if (sqlstate === '08P01') {
    return failure(
      'pooler-refused',
      'A connection pooler refused the connection or a statement (SQLSTATE 08P01).',
    );
  }
  if (isPassing(error)) {
    return failure('database-unavailable', `PostgreSQL cannot serve now (SQLSTATE ${sqlstate}).`);
  }
  switch (sqlstate) {
    case '28P01':
    case '28000':
      return failure('database-sign-in', `PostgreSQL refused the user or password (SQLSTATE ${sqlstate}).`);
    case '3D000':
      return failure('database-missing', 'PostgreSQL has no database of that name.');
    case '23503': {
      const { schema = '', table = '', constraint = '' } = error;
      const of = qualifiedName(schema, table);
      const message = `Foreign key ${constraint} of ${of} refuses what the source has changed.`;
      return failure('foreign-key', message, dropOrCascade(of, constraint));
    }
    case '55000':
      return failure(
        'replica-identity',
        'PostgreSQL refuses to change rows (SQLSTATE 55000): most likely the mirror table is in a publication, and its replica identity was taken away.',
      );
    case '2BP01':
      return failure(
        'dependent-objects',
        'Something of yours, such as a view, uses a column that has to go.',
      );
    case '42501':
      return failure('grant-missing', `PostgreSQL denied a statement: ${denied(error)}.`);
    default:
      return failure('statement-failed', `PostgreSQL refused a statement (SQLSTATE ${sqlstate}).`);
  }
}

/**
 * What was denied. The message of a privilege check names only objects ("permission denied for table
 * account"). A trigger that raises the same SQLSTATE may quote the row.
 */
function denied({ code, message, routine }: PostgresError): string {
  return routine?.startsWith('aclcheck_error') === true ? message : `SQLSTATE ${code}`;
}

/** The remedy for a foreign key that refuses deletes. @param table that has the foreign key, quoted. */
export function dropOrCascade(table: string, constraint: string): string {
  return `Run ALTER TABLE ${table} DROP CONSTRAINT ${quoteIdentifier(constraint)}; or make it anew with ON DELETE CASCADE or SET NULL. Then the table goes on by itself.`;
}

function unreachable(error: unknown, code: string): Failure {
  return new Failure({
    code: 'database-unreachable',
    message: `PostgreSQL cannot be reached (${code}).`,
    cause: error,
    details: { network: code },
  });
}

/** The error for the log: only its code, because detail, where and internal query quote rows. */
function withoutRowValues(error: PostgresError): Error {
  const clean = new Error(`SQLSTATE ${error.code}`);
  clean.name = error.name;
  return clean;
}
