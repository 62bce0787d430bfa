import { quoteIdentifier, shortenIdentifier } from './identifier.ts';
import { columnName, columnNames, DELETED_AT, MIRRORED_AT, type MirrorTable } from './mirror-table.ts';

/** Name of the staging table, unquoted; temporary, one for each connection and table. */
export function stagingName(mirror: MirrorTable): string {
  return shortenIdentifier(`stage_${mirror.identifier}`);
}

const staging = (mirror: MirrorTable): string => `pg_temp.${quoteIdentifier(stagingName(mirror))}`;

/** A temporary table with the mirror's columns and none of its constraints, emptied by each commit. */
export function createStaging(mirror: MirrorTable): string {
  return `CREATE TEMPORARY TABLE IF NOT EXISTS ${quoteIdentifier(stagingName(mirror))} ON COMMIT DELETE ROWS
    AS SELECT ${columnNames(mirror).join(', ')} FROM ${mirror.qualified} WITH NO DATA`;
}

export function dropStaging(mirror: MirrorTable): string {
  return `DROP TABLE IF EXISTS ${staging(mirror)}`;
}

export function copyIntoStaging(mirror: MirrorTable): string {
  return `COPY ${staging(mirror)} (${columnNames(mirror).join(', ')}) FROM STDIN`;
}

export function copyIntoMirror(mirror: MirrorTable): string {
  return `COPY ${mirror.qualified} (${columnNames(mirror).join(', ')}) FROM STDIN`;
}

/**
 * Inserts staged rows and updates those that are newer than what the mirror has.
 *
 * Rows that need no write are filtered before INSERT sees them: ON CONFLICT locks every row it
 * conflicts with, which writes to the page even where its WHERE then says no.
 *
 * @param rewrite also rows of the same version whose values differ: in a re-baseline, which fills
 *   added columns and mends what was changed by hand.
 */
export function mergeStaged(mirror: MirrorTable, rewrite: boolean): string {
  const names = columnNames(mirror);
  const key = columnName(mirror, mirror.keyField);
  const set = [
    ...names.filter((name) => name !== key).map((name) => `${name} = excluded.${name}`),
    `${quoteIdentifier(MIRRORED_AT)} = now()`,
    ...(mirror.softDeletes ? [`${quoteIdentifier(DELETED_AT)} = NULL`] : []),
  ];
  return `INSERT INTO ${mirror.qualified} AS m (${names.join(', ')})
    SELECT ${names.map((name) => `s.${name}`).join(', ')}
      FROM ${staging(mirror)} s LEFT JOIN ${mirror.qualified} m ON m.${key} = s.${key}
     WHERE m.${key} IS NULL OR ${isNewer(mirror, 's', rewrite)}
    ON CONFLICT (${key}) DO UPDATE SET ${set.join(', ')}
     WHERE ${isNewer(mirror, 'excluded', rewrite)}`;
}

/** Whether row `from` replaces row `m`: never an older version, whatever else. */
function isNewer(mirror: MirrorTable, from: string, rewrite: boolean): string {
  const differs = `ROW(${columnNames(mirror)
    .map((name) => `m.${name}`)
    .join(', ')}) IS DISTINCT FROM ROW(${columnNames(mirror)
    .map((name) => `${from}.${name}`)
    .join(', ')})`;
  // A row that was deleted and restored may come back with the version it had.
  const restored = mirror.softDeletes ? ` OR m.${quoteIdentifier(DELETED_AT)} IS NOT NULL` : '';
  if (mirror.versionField === undefined) return `(${differs}${restored})`;
  const version = columnName(mirror, mirror.versionField);
  const same = `${rewrite ? differs : 'false'}${restored}`;
  return `(m.${version} IS NULL OR m.${version} < ${from}.${version} OR (m.${version} = ${from}.${version} AND (${same})))`;
}

/** Deletes the rows whose keys are in `$1`, or marks them deleted. */
export function deleteByKey(mirror: MirrorTable): string {
  const key = columnName(mirror, mirror.keyField);
  return deletion(mirror, `${key} = ANY ($1::uuid[])`);
}

/** Deletes, or marks deleted, every row whose key is not in the table of seen keys. */
export function sweepUnseen(mirror: MirrorTable, seen: string): string {
  const key = columnName(mirror, mirror.keyField);
  return deletion(mirror, `NOT EXISTS (SELECT FROM ${seen} s WHERE s.key = m.${key})`);
}

function deletion(mirror: MirrorTable, condition: string): string {
  if (!mirror.softDeletes) return `DELETE FROM ${mirror.qualified} AS m WHERE ${condition}`;
  const deletedAt = quoteIdentifier(DELETED_AT);
  return `UPDATE ${mirror.qualified} AS m SET ${deletedAt} = now(), ${quoteIdentifier(MIRRORED_AT)} = now()
    WHERE ${deletedAt} IS NULL AND ${condition}`;
}

/** Remembers the staged rows' keys for the sweep. */
export function rememberStaged(mirror: MirrorTable, seen: string): string {
  return `INSERT INTO ${seen} (key) SELECT ${columnName(mirror, mirror.keyField)} FROM ${staging(mirror)}`;
}

/**
 * Of the keys in `$1`, those whose rows were written, or put in quarantine, since the feed's delta link
 * was stored: by the delta that is being followed. `$2` and `$3` are environment and table.
 */
export function writtenByThisDelta(mirror: MirrorTable, stateSchema: string): string {
  const key = columnName(mirror, mirror.keyField);
  const state = quoteIdentifier(stateSchema);
  return `SELECT m.${key}::text AS key FROM ${mirror.qualified} m, ${state}."tables" t
    WHERE m.${key} = ANY ($1::uuid[]) AND t.environment_id = $2 AND t."table" = $3
      AND m.${quoteIdentifier(MIRRORED_AT)} > t.link_issued_at
    UNION
    SELECT q.key FROM ${state}.quarantine q JOIN ${state}."tables" t USING (environment_id, "table")
    WHERE q.key = ANY ($1::text[]) AND q.environment_id = $2 AND q."table" = $3 AND q."time" > t.link_issued_at`;
}
