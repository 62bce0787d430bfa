import type pg from 'pg';
import { inSavepoint } from '../connection/postgres.ts';
import { isRowError, type PostgresError } from '../connection/sqlstate.ts';
import { isLive } from '../page/merge-sql.ts';
import type { MirrorTable } from '../table/mirror-table.ts';
import { isFilterError } from './filter-refusal.ts';

/**
 * Counts the rows of the mirror table that its filter keeps out.
 *
 * @returns null where there is no filter, where it fails on a row, or where it names a column that is yet to come.
 */
export async function countOutside(client: pg.ClientBase, mirror: MirrorTable): Promise<number | null> {
  const { filter, qualified } = mirror;
  if (filter === undefined) return null;
  let counted: number | null = null;
  const count = async (): Promise<void> => {
    const { rows } = await client.query<{ outside: number }>(
      `SELECT count(*)::float8 AS outside FROM ${qualified} m WHERE ${isLive(mirror)} AND NOT ${filter.predicate}`,
    );
    counted = rows[0]?.outside ?? 0;
  };
  await inSavepoint(client, count, isOfFilter);
  return counted;
}

function isOfFilter(error: unknown): error is PostgresError {
  return isRowError(error) || isFilterError(error);
}
