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
const OF_THE_PROCESS: ReadonlySet<string> = new Set([
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

/** disk_full, out_of_memory, configuration_limit_exceeded, and the class of system errors. (PostgreSQL manual, appendix A.) */
const OF_ROOM = /^(?:53[124]00|58)/;
/** Deadlocks, locks that are not to be had, statements that somebody cancelled. */
const OF_ONE_TABLE = /^(?:40|55P03|57014)/;

export function reachOf({ code, details }: Told): Reach {
  if (!OF_THE_PROCESS.has(code)) return 'table';
  const sqlstate = details?.['sqlstate'];
  if (typeof sqlstate !== 'string') return 'process';
  if (OF_ROOM.test(sqlstate)) return 'room';
  return OF_ONE_TABLE.test(sqlstate) ? 'table' : 'process';
}
