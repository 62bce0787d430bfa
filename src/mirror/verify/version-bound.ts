import type pg from 'pg';
import { isLive } from '../page/merge-sql.ts';
import { columnName, type MirrorTable } from '../table/mirror-table.ts';

/** Rows that a sample has, about. A bound may then be wrong by a percent of the table. */
const SAMPLE = 30_000;

/**
 * A version that about `count` rows of the mirror above another version do not exceed; null if there are no more rows
 * than that, and for a table without versions. A large table is not read for it: a sample of its blocks is enough,
 * because each bound is right, and only the size of a window depends on it.
 *
 * @param above null for no lower end.
 */
export async function versionBound(
  client: pg.ClientBase,
  mirror: MirrorTable,
  above: bigint | null,
  count: number,
): Promise<bigint | null> {
  if (mirror.versionField === undefined) return null;
  const sized = await client.query<{ rows: number }>(
    'SELECT reltuples::float8 AS rows FROM pg_class WHERE oid = $1::regclass',
    [mirror.qualified],
  );
  const share = Math.min(1, SAMPLE / Math.max(1, sized.rows[0]?.rows ?? 1));
  const version = `m.${columnName(mirror, mirror.versionField)}`;
  const { rows } = await client.query<{ version: string }>(
    `SELECT ${version}::text AS version FROM ${mirror.qualified} m TABLESAMPLE SYSTEM ($3)
      WHERE ${isLive(mirror)} AND ${version} > coalesce($1::bigint, -1)
      ORDER BY ${version} OFFSET $2 LIMIT 2`,
    [above?.toString() ?? null, Math.max(0, Math.round(count * share) - 1), 100 * share],
  );
  const [bound, further] = rows;
  return bound === undefined || further === undefined ? null : BigInt(bound.version);
}
