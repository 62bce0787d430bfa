import type pg from 'pg';
import type { RowId } from '../../model/page.ts';
import { isLive, isUnseen, keyColumns, sameKey } from '../page/merge-sql.ts';
import { keyText, parseKey } from '../page/row-key.ts';
import { rowsSwallowed } from '../page/swallowed-rows.ts';
import { quoteIdentifier } from '../table/identifier.ts';
import { columnName, DELETED_AT, MIRRORED_AT, type MirrorTable } from '../table/mirror-table.ts';
import { IS_OUTSIDE, stage } from './filter-stage.ts';

/**
 * Deletes the rows of the mirror that have left the filter, or marks them, by the deletes of the table. A row of the
 * mirror that is newer than the row that was tried stays. A marked row takes the version in which it left, so that no
 * older version brings it back.
 *
 * It needs the table that `tryRows` has filled in the same transaction.
 *
 * @param overUnseen as in `updateStaged`.
 * @returns how many rows.
 */
export async function leave(
  client: pg.ClientBase,
  mirror: MirrorTable,
  overUnseen: string | undefined,
): Promise<number> {
  const condition = hasLeft(mirror, overUnseen);
  if (!mirror.softDeletes) {
    const { rowCount } = await client.query(
      `DELETE FROM ${mirror.qualified} AS m USING ${stage(mirror)} s WHERE ${condition}`,
    );
    return rowCount ?? 0;
  }
  const version = mirror.versionField === undefined ? undefined : columnName(mirror, mirror.versionField);
  const { rowCount } = await client.query(
    `UPDATE ${mirror.qualified} AS m SET ${quoteIdentifier(DELETED_AT)} = now(), ${quoteIdentifier(MIRRORED_AT)} = now()
       ${version === undefined ? '' : `, ${version} = coalesce(s.${version}, m.${version})`}
       FROM ${stage(mirror)} s WHERE ${condition}`,
  );
  return rowCount ?? 0;
}

/** Checks that `leave` has left none: a trigger or a rule of somebody may keep rows. @throws Failure `rows-swallowed` */
export async function assertLeft(
  client: pg.ClientBase,
  mirror: MirrorTable,
  overUnseen: string | undefined,
): Promise<void> {
  const { rows } = await client.query<{ count: number }>(
    `SELECT count(*)::float8 AS count FROM ${mirror.qualified} m, ${stage(mirror)} s WHERE ${hasLeft(mirror, overUnseen)}`,
  );
  const [{ count } = { count: 0 }] = rows;
  if (count > 0) throw await rowsSwallowed(client, mirror, count);
}

/** The keys of tried rows that do not match the filter. A row is left out if the mirror has a newer version of it. */
export async function leavingKeys(
  client: pg.ClientBase,
  mirror: MirrorTable,
  overUnseen: string | undefined,
): Promise<RowId[]> {
  const [key, partition] = keyColumns(mirror);
  const { rows } = await client.query<{ key: string; partition: string | null }>(
    `SELECT s.${key}::text AS key, ${partition === undefined ? 'NULL' : `s.${partition}`} AS partition
       FROM ${stage(mirror)} s LEFT JOIN ${mirror.qualified} m ON ${sameKey(mirror, 's', keyColumns(mirror))}
      WHERE ${IS_OUTSIDE} AND (m.${key} IS NULL OR ${isNotNewer(mirror, overUnseen)})`,
  );
  return rows.flatMap((id) => parseKey(keyText(id)) ?? []);
}

function hasLeft(mirror: MirrorTable, overUnseen: string | undefined): string {
  return `${IS_OUTSIDE} AND ${sameKey(mirror, 's', keyColumns(mirror))} AND ${isLive(mirror)} AND ${isNotNewer(mirror, overUnseen)}`;
}

/** SQL: whether the mirror's row `m` is no newer than the tried row `s`. A row without a version is never newer. */
function isNotNewer(mirror: MirrorTable, overUnseen: string | undefined): string {
  if (mirror.versionField === undefined) return 'true';
  const version = columnName(mirror, mirror.versionField);
  const isOld = `(m.${version} <= s.${version}) IS NOT FALSE`;
  return overUnseen === undefined ? isOld : `(${isOld} OR ${isUnseen(mirror, overUnseen, 's')})`;
}
