import { reachOfPostgresFailure } from '../../mirror/connection/sqlstate.ts';
import type { FailureCode } from '../../model/failure-codes.ts';
import type { Failure } from '../../model/failure.ts';

/**
 * How far a failure reaches.
 *
 * - `process`: what one table meets all of them do, and what one has got over is over for all.
 * - `room`: PostgreSQL answers, and cannot store what the table has. Another table, in another
 *   tablespace or with nothing to write, says nothing about that.
 * - `table`: the table's own.
 */
export type Reach = 'process' | 'room' | 'table';

/** What tells the reach; `details` has PostgreSQL's SQLSTATE. */
export type Told = Pick<Failure, 'code'> & Partial<Pick<Failure, 'details'>>;

/** Failures of database and sign-in, and of the way to them. */
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

export function reachOf({ code, details }: Told): Reach {
  return OF_THE_PROCESS.has(code) ? reachOfPostgresFailure(details) : 'table';
}
