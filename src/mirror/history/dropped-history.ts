import type pg from 'pg';
import { Failure } from '../../model/failure.ts';
import { inSavepoint } from '../connection/postgres.ts';
import { isPostgresError, type PostgresError } from '../connection/sqlstate.ts';
import { STRONG_LOCK_TIMEOUT, WITHOUT_LOCK_TIMEOUT } from '../connection/strong-lock.ts';
import { dropAsOfFunctions } from './as-of-functions.ts';
import type { HistoryPlace } from './history-names.ts';
import { findHistory } from './history-table.ts';

/** The SQLSTATE of something that cannot be dropped, because something else needs it. */
const DEPENDENT_OBJECTS = '2BP01';

/**
 * Drops the history of a table with its functions, where there is one.
 *
 * @throws Failure `dependent-objects` where others have built something on it.
 */
export async function dropHistory(client: pg.ClientBase, place: HistoryPlace, table: string): Promise<void> {
  if ((await findHistory(client, place)) !== 'ours') return;
  await client.query(`SET LOCAL lock_timeout = ${STRONG_LOCK_TIMEOUT}`);
  const drop = async (): Promise<void> => {
    await dropAsOfFunctions(client, place);
    await client.query(`DROP TABLE ${place.records}`);
  };
  if ((await inSavepoint(client, drop, isInUse)) !== undefined) throw inTheWay(table, place);
  await client.query(WITHOUT_LOCK_TIMEOUT);
}

function isInUse(error: unknown): error is PostgresError {
  return isPostgresError(error) && error.code === DEPENDENT_OBJECTS;
}

function inTheWay(table: string, { records }: HistoryPlace): Failure {
  return new Failure({
    code: 'dependent-objects',
    message: `The history of ${table} cannot be dropped, because a view or a function of somebody uses ${records}. Nothing was forgotten.`,
    remedy: `Drop that first, or run \`mirrorverse forget ${table}\` without --drop.`,
    details: { table },
  });
}
