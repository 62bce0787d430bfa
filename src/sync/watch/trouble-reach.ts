import { reachOfPostgresFailure } from '../../mirror/connection/sqlstate.ts';
import type { FailureCode } from '../../model/failure-codes.ts';
import type { Failure } from '../../model/failure.ts';

/**
 * How far a failure reaches.
 *
 * - `process`: all tables meet it if one does, and it is over for all if it is over for one.
 * - `room`: PostgreSQL answers but has no room for the rows of the table. Another table says nothing about that,
 *   because it may be in another tablespace or have nothing to write.
 * - `table`: only this table meets it.
 */
export type Reach = 'process' | 'room' | 'table';

/** The parts of a failure that decide its reach; `details` has the SQLSTATE. */
export type ReportedFailure = Pick<Failure, 'code'> & Partial<Pick<Failure, 'details'>>;

/** Failures of the database and the sign-in, and of the network to them. */
const OF_THE_PROCESS: ReadonlySet<FailureCode> = new Set([
  'database-unreachable',
  'database-unavailable',
  'database-sign-in',
  'database-missing',
  'database-tls',
  'sign-in-failed',
  'sign-in-refused',
  'sign-in-unreachable',
  'not-a-member',
  'address-blocked',
  'certificate-refused',
]);

export function reachOf({ code, details }: ReportedFailure): Reach {
  return OF_THE_PROCESS.has(code) ? reachOfPostgresFailure(details) : 'table';
}
