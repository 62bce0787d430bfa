import type pg from 'pg';
import { ESTIMATED_ROWS } from '../table/partitions/estimated-rows.ts';
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
  const share = await sampleShare(client, mirror);
  const version = `m.${columnName(mirror, mirror.versionField)}`;
  const { rows } = await client.query<{ version: string }>(
    `SELECT ${version}::text AS version FROM ${sample(mirror)}
      AND ${isLive(mirror)} AND ${version} > coalesce($1::bigint, -1)
      ORDER BY ${version} OFFSET $3 LIMIT 2`,
    [above?.toString() ?? null, 100 * share, Math.max(0, Math.round(count * share) - 1)],
  );
  const [bound, further] = rows;
  return bound === undefined || further === undefined ? null : BigInt(bound.version);
}

/** About how many rows of the mirror have a version above another one; null for no lower end. */
export async function rowsAbove(
  client: pg.ClientBase,
  mirror: MirrorTable,
  above: bigint | null,
): Promise<number> {
  const share = await sampleShare(client, mirror);
  const isAbove =
    mirror.versionField === undefined
      ? '$1::bigint IS NULL'
      : `coalesce(m.${columnName(mirror, mirror.versionField)} > $1::bigint, $1::bigint IS NULL)`;
  const { rows } = await client.query<{ rows: number }>(
    `SELECT count(*)::float8 AS rows FROM ${sample(mirror)} AND ${isLive(mirror)} AND ${isAbove}`,
    [above?.toString() ?? null, 100 * share],
  );
  return (rows[0]?.rows ?? 0) / share;
}

/** SQL: rows `m` of the mirror, `$2` percent of its blocks, and the beginning of a condition. */
function sample(mirror: MirrorTable): string {
  // Citus samples within one shard only. The parameter stays, so that the statements are the same.
  if (mirror.distributed !== undefined) return `${mirror.qualified} m WHERE $2::float8 IS NOT NULL`;
  return `${mirror.qualified} m TABLESAMPLE SYSTEM ($2) WHERE true`;
}

/** Which part of the blocks has about as many rows as a sample is to have. */
async function sampleShare(client: pg.ClientBase, mirror: MirrorTable): Promise<number> {
  if (mirror.distributed !== undefined) return 1;
  const { rows } = await client.query<{ rows: number }>(
    `SELECT ${ESTIMATED_ROWS} AS rows FROM pg_class c WHERE c.oid = $1::regclass`,
    [mirror.qualified],
  );
  return Math.min(1, SAMPLE / Math.max(1, rows[0]?.rows ?? 1));
}
