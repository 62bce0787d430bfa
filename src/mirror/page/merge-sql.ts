import type pg from 'pg';
import type { RowId } from '../../model/page.ts';
import { uuidArray } from '../copy/binary-array.ts';
import { POSTGRES_OID, POSTGRES_TYPE } from '../table/column-sql.ts';
import { quoteIdentifier, shortenIdentifier } from '../table/identifier.ts';
import { KEPT_TOGETHER } from '../table/ddl-plan.ts';
import { columnName, columnNames, DELETED_AT, MIRRORED_AT, type MirrorTable } from '../table/mirror-table.ts';

/** Name of the staging table, unquoted: a temporary one for each connection and mirror table. */
export function stagingName(mirror: MirrorTable): string {
  return shortenIdentifier(`stage_${mirror.identifier}`);
}

export const staging = (mirror: MirrorTable): string =>
  mirror.distributed?.staging ?? `pg_temp.${quoteIdentifier(stagingName(mirror))}`;

/**
 * SQL: a temporary table with the mirror's columns and none of its constraints.
 *
 * @param onCommit what happens to the table or its rows. Creating a table takes three times as long as
 *   emptying one.
 */
export function createStaging(mirror: MirrorTable, onCommit: 'DELETE ROWS' | 'DROP'): string {
  return `CREATE TEMPORARY TABLE IF NOT EXISTS ${quoteIdentifier(stagingName(mirror))} WITH (${KEPT_TOGETHER}) ON COMMIT ${onCommit}
    AS SELECT ${columnNames(mirror).join(', ')} FROM ${mirror.qualified} WITH NO DATA`;
}

/** SQL: deletes rows `s` that meet a condition from staging. */
export function unstage(mirror: MirrorTable, which: string): string {
  return `DELETE FROM ${staging(mirror)} s WHERE ${which}`;
}

/** SQL: key and partition of staged rows `s` as texts, and further `columns` of what they are joined with. */
export function stagedKeys(mirror: MirrorTable, join: string, columns: string): string {
  const [key, partition] = keyColumns(mirror);
  return `SELECT s.${key}::text, ${partition === undefined ? 'NULL' : `s.${partition}`}::text, ${columns}
    FROM ${staging(mirror)} s JOIN ${join}`;
}

export function dropStaging(mirror: MirrorTable): string {
  return `DROP TABLE IF EXISTS ${staging(mirror)}`;
}

/** A table that rows are copied into: the mirror table itself, or its staging table. */
export type CopyTarget = 'mirror' | 'staging';

export function copyInto(mirror: MirrorTable, target: CopyTarget, format: 'text' | 'binary'): string {
  return `COPY ${targetName(mirror, target)} (${columnNames(mirror).join(', ')}) FROM STDIN (FORMAT ${format})`;
}

const targetName = (mirror: MirrorTable, target: CopyTarget): string =>
  target === 'mirror' ? mirror.qualified : staging(mirror);

/**
 * SQL: whether all columns of a table have the types that the binary data are written for. PostgreSQL would
 * take bytes of another type for a value.
 */
export function hasColumnTypes(mirror: MirrorTable, target: CopyTarget): pg.QueryConfig {
  return {
    text: `SELECT count(*) = cardinality($2::text[]) AS expected
      FROM unnest($2::text[], $3::oid[]) AS e(name, type)
      JOIN pg_attribute a ON a.attrelid = $1::regclass AND a.attname = e.name AND a.atttypid = e.type`,
    values: [
      targetName(mirror, target),
      mirror.columns.map(({ identifier }) => identifier),
      mirror.columns.map(({ type }) => POSTGRES_OID[type]),
    ],
  };
}

/**
 * SQL: updates the rows that came with a newer version.
 *
 * INSERT with ON CONFLICT would do the same and takes twice as long: for each row it first looks for room,
 * then finds the row that is there, and locks it.
 *
 * @param rewrite also updates rows of the same version whose values differ. A re-baseline does that, to fill
 *   added columns and to mend what was changed by hand.
 * @param overUnseen a table of seen keys. A row that is not among them is replaced whatever its version,
 *   because the environment went back in time after it was written.
 * @param only a condition on staged row `s`.
 */
export function updateStaged(
  mirror: MirrorTable,
  rewrite: boolean,
  overUnseen?: string,
  only = 'true',
): string {
  return `UPDATE ${mirror.qualified} AS m SET ${assignments(mirror, 's')} FROM ${staging(mirror)} s
    WHERE ${sameKey(mirror, 's', keyColumns(mirror))} AND ${replaces(mirror, rewrite, overUnseen)} AND ${only}`;
}

/** SQL: whether staged row `s` replaces row `m` of the same key. */
export function replaces(mirror: MirrorTable, rewrite: boolean, overUnseen: string | undefined): string {
  const older =
    overUnseen === undefined ? '' : ` OR (${isUnseen(mirror, overUnseen, 's')} AND ${differs(mirror, 's')})`;
  return `(${isNewer(mirror, 's', rewrite)}${older})`;
}

/**
 * SQL: inserts staged rows that the mirror does not have, if `$1` says that there may be some. A row that
 * another session inserts meanwhile is updated as `updateStaged` would do it.
 *
 * PostgreSQL refuses the statement for a mirror table whose key was dropped, whatever `$1` says.
 *
 * @param only a condition on staged row `s`, in place of `$1`.
 */
export function insertStaged(
  mirror: MirrorTable,
  rewrite: boolean,
  overUnseen?: string,
  only = '$1',
): string {
  const names = columnNames(mirror);
  const keys = keyColumns(mirror);
  return `INSERT INTO ${mirror.qualified} AS m (${names.join(', ')})
    SELECT ${names.map((name) => `s.${name}`).join(', ')}
      FROM ${staging(mirror)} s LEFT JOIN ${mirror.qualified} m ON ${sameKey(mirror, 's', keys)}
     WHERE ${only} AND m.${keys[0]} IS NULL
    ON CONFLICT (${keys.join(', ')}) DO UPDATE SET ${assignments(mirror, 'excluded')}
     WHERE ${overUnseen === undefined ? isNewer(mirror, 'excluded', rewrite) : differs(mirror, 'excluded')}`;
}

function assignments(mirror: MirrorTable, from: string): string {
  const keys = keyColumns(mirror);
  return [
    ...columnNames(mirror)
      .filter((name) => !keys.includes(name))
      .map((name) => `${name} = ${from}.${name}`),
    `${quoteIdentifier(MIRRORED_AT)} = now()`,
    ...(mirror.hasMarks ? [`${quoteIdentifier(DELETED_AT)} = NULL`] : []),
  ].join(', ');
}

/** SQL: whether row `from` differs from row `m` in any value, or in being marked deleted. */
function differs(mirror: MirrorTable, from: string): string {
  return `(${differsInValues(mirror, from)}${isDeleted(mirror)})`;
}

function differsInValues(mirror: MirrorTable, from: string): string {
  const names = columnNames(mirror);
  const of = (row: string): string => names.map((name) => `${row}.${name}`).join(', ');
  return `ROW(${ofMirror(mirror)}) IS DISTINCT FROM ROW(${of(from)})`;
}

/**
 * SQL: the values of row `m`. Texts are compared by their bytes, because a column may have got a collation by
 * which `A` equals `a`.
 */
function ofMirror(mirror: MirrorTable): string {
  const isText = mirror.columns.map(({ type }) => POSTGRES_TYPE[type] === 'text');
  return columnNames(mirror)
    .map((name, at) => `m.${name}${isText[at] === true ? ' COLLATE "C"' : ''}`)
    .join(', ');
}

/** A row that was deleted and restored may come back with the version that it had. */
function isDeleted(mirror: MirrorTable): string {
  return mirror.hasMarks ? ` OR m.${quoteIdentifier(DELETED_AT)} IS NOT NULL` : '';
}

/** SQL: whether row `from` replaces row `m`. An older version never does. */
function isNewer(mirror: MirrorTable, from: string, rewrite: boolean): string {
  if (mirror.versionField === undefined) return differs(mirror, from);
  const version = columnName(mirror, mirror.versionField);
  const same = `${rewrite ? differsInValues(mirror, from) : 'false'}${isDeleted(mirror)}`;
  return `(m.${version} IS NULL OR m.${version} < ${from}.${version} OR (m.${version} = ${from}.${version} AND (${same})))`;
}

/** Names of the columns that tell rows apart: the key and, on a partitioned table, the partition. */
export function keyColumns(mirror: MirrorTable): readonly [key: string, ...partition: string[]] {
  const key = columnName(mirror, mirror.keyField);
  return mirror.partitionField === undefined ? [key] : [key, columnName(mirror, mirror.partitionField)];
}

/** SQL: whether row `m` of the mirror has the whole key that `from` has in `columns`. */
export function sameKey(mirror: MirrorTable, from: string, columns: readonly string[]): string {
  const [key, partition] = keyColumns(mirror);
  const same = `m.${key} = ${from}.${columns[0]}`;
  return partition === undefined
    ? same
    : `${same} AND m.${partition} IS NOT DISTINCT FROM ${from}.${columns[1]}`;
}

/** Columns of a table of keys, and of keys that come as parameters. */
export const KEY_COLUMNS = ['key', 'partition'];

/**
 * SQL: a table of keys, such as those that a re-baseline has seen. It gets a replica identity, because a
 * publication for all tables would otherwise refuse to let it be emptied.
 */
export function createKeys(mirror: MirrorTable, name: string): string {
  const partition = mirror.partitionField === undefined ? '' : ', partition text';
  return `CREATE TABLE ${name} (key uuid${partition}); ALTER TABLE ${name} REPLICA IDENTITY FULL`;
}

export function emptyKeys(name: string): string {
  return `DELETE FROM ${name}`;
}

/** SQL: an index that finds single keys quickly. */
export function indexKeys(name: string): string {
  return `CREATE INDEX ON ${name} (key)`;
}

/** SQL: adds the keys `$1` to a table of keys, with the partitions `$2` where the table has partitions. */
export function addKeys(mirror: MirrorTable, name: string): string {
  return mirror.partitionField === undefined
    ? `INSERT INTO ${name} (key) SELECT unnest($1::uuid[])`
    : `INSERT INTO ${name} (key, partition) SELECT * FROM unnest($1::uuid[], $2::text[])`;
}

/** Parameters of the statements that take a list of keys. */
export function keyParameters(mirror: MirrorTable, rows: readonly RowId[]): unknown[] {
  return [rows.map(({ key }) => key), ...partitionParameter(mirror, rows)];
}

/** As `keyParameters`, in binary. @param rows of a page: their keys are GUIDs. */
export function keyArrays(mirror: MirrorTable, rows: readonly RowId[]): unknown[] {
  return [uuidArray(rows.map(({ key }) => key)), ...partitionParameter(mirror, rows)];
}

function partitionParameter(mirror: MirrorTable, rows: readonly RowId[]): unknown[] {
  return mirror.partitionField === undefined ? [] : [rows.map(({ partition }) => partition ?? null)];
}

/** SQL: whether row `m` is one of the rows whose keys are in `keyParameters`. */
export function isGiven(mirror: MirrorTable): string {
  if (mirror.partitionField === undefined) {
    return `m.${columnName(mirror, mirror.keyField)} = ANY ($1::uuid[])`;
  }
  return `EXISTS (SELECT FROM unnest($1::uuid[], $2::text[]) AS d(key, partition) WHERE ${sameKey(mirror, 'd', KEY_COLUMNS)})`;
}

/** SQL: deletes the rows whose keys are in `keyParameters`, or marks them deleted. */
export function deleteByKey(mirror: MirrorTable): string {
  return deletion(mirror, isGiven(mirror));
}

/** SQL: sets the time of the rows whose keys are in `keyParameters`, where they needed no write. */
export function touchByKey(mirror: MirrorTable): string {
  const mirroredAt = quoteIdentifier(MIRRORED_AT);
  return `UPDATE ${mirror.qualified} AS m SET ${mirroredAt} = now()
    WHERE ${isGiven(mirror)} AND m.${mirroredAt} < now()`;
}

/**
 * SQL: clears the version of rows that are not among the seen ones; with `given`, only of rows whose keys are
 * in `keyParameters`. The environment went back in time, and the row that comes next may have a lower
 * version. Undefined for a table without versions.
 */
export function forgetVersions(mirror: MirrorTable, seen: string, given: boolean): string | undefined {
  if (mirror.versionField === undefined) return undefined;
  const version = columnName(mirror, mirror.versionField);
  return `UPDATE ${mirror.qualified} AS m SET ${version} = NULL, ${quoteIdentifier(MIRRORED_AT)} = now()
    WHERE ${given ? `${isGiven(mirror)} AND ` : ''}m.${version} IS NOT NULL AND ${isUnseen(mirror, seen)}`;
}

/**
 * SQL: one row of the mirror table, if it has any. It goes by the key, because a scan would cross the places
 * of all deleted rows first.
 */
export function anyRow(mirror: MirrorTable): string {
  return `SELECT 1 FROM ${mirror.qualified} ORDER BY ${keyColumns(mirror)[0]} LIMIT 1`;
}

/** SQL: the highest row version of the mirror table; undefined for a table without versions. */
export function highestVersion(mirror: MirrorTable): string | undefined {
  if (mirror.versionField === undefined) return undefined;
  return `SELECT max(${columnName(mirror, mirror.versionField)})::text AS version FROM ${mirror.qualified}`;
}

/** SQL: deletes every row whose key is not in the table of seen keys, or marks it deleted. */
export function sweepUnseen(mirror: MirrorTable, seen: string): string {
  return deletion(mirror, isUnseen(mirror, seen));
}

/** SQL: how many rows the table has, and how many of them a sweep would delete. */
export function countUnseen(mirror: MirrorTable, seen: string): string {
  const rows = `SELECT count(*) FROM ${mirror.qualified} m WHERE ${isLive(mirror)}`;
  return `SELECT (${rows})::float8 AS "rows", (${rows} AND ${isUnseen(mirror, seen)})::float8 AS unseen`;
}

/** SQL: some `$1` rows that a sweep would delete, at random: the first may all be of one kind. */
export function someUnseen(mirror: MirrorTable, seen: string): string {
  const [key, partition] = keyColumns(mirror);
  const columns = `m.${key}::text AS key${partition === undefined ? '' : `, m.${partition} AS partition`}`;
  return `SELECT ${columns} FROM ${mirror.qualified} m
    WHERE ${isLive(mirror)} AND ${isUnseen(mirror, seen)} ORDER BY random() LIMIT $1`;
}

/** SQL: whether a row's key is not in the table of seen keys; the row is `m`, unless another is named. */
export function isUnseen(mirror: MirrorTable, seen: string, row = 'm'): string {
  return `NOT ${isAmong(mirror, seen, row)}`;
}

/** SQL: whether a row's key is in a table of keys; the row is `m`, unless another is named. */
export function isAmong(mirror: MirrorTable, keys: string, row = 'm'): string {
  const [key, partition] = keyColumns(mirror);
  const inPartition =
    partition === undefined ? '' : ` AND k.partition IS NOT DISTINCT FROM ${row}.${partition}`;
  return `EXISTS (SELECT FROM ${keys} k WHERE k.key = ${row}.${key}${inPartition})`;
}

/** SQL: whether row `m` is not marked deleted. */
export function isLive(mirror: MirrorTable): string {
  return mirror.hasMarks ? `m.${quoteIdentifier(DELETED_AT)} IS NULL` : 'true';
}

/** SQL: deletes live rows `m`, or marks them. A row that is marked deleted goes only with a yes from a person. */
export function deletion(mirror: MirrorTable, condition: string): string {
  if (!mirror.softDeletes) {
    return `DELETE FROM ${mirror.qualified} AS m WHERE ${mirror.hasMarks ? `${isLive(mirror)} AND ` : ''}${condition}`;
  }
  const deletedAt = quoteIdentifier(DELETED_AT);
  return `UPDATE ${mirror.qualified} AS m SET ${deletedAt} = now(), ${quoteIdentifier(MIRRORED_AT)} = now()
    WHERE ${deletedAt} IS NULL AND ${condition}`;
}

/**
 * SQL: of the keys in `$1`, those whose rows the delta under way has written or put in quarantine, which is
 * since the feed's delta link was stored. `$2` and `$3` are environment and table.
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

/**
 * SQL: the known rows of the keys `$1` on a partitioned table, from the mirror and from quarantine, where
 * they stand under their key's text. `fresh` marks rows that the delta under way has written or refused. `$2`
 * and `$3` are environment and table.
 */
export function knownInPartitions(mirror: MirrorTable, stateSchema: string): string {
  const [key, partition] = keyColumns(mirror);
  const state = quoteIdentifier(stateSchema);
  return `SELECT m.${key}::text AS key, m.${partition} AS partition, NULL AS text,
           m.${quoteIdentifier(MIRRORED_AT)} > t.link_issued_at AS fresh
      FROM ${mirror.qualified} m, ${state}."tables" t
     WHERE m.${key} = ANY ($1::uuid[]) AND t.environment_id = $2 AND t."table" = $3 AND ${isLive(mirror)}
    UNION ALL
    SELECT NULL, NULL, q.key, q."time" > t.link_issued_at
      FROM ${state}.quarantine q JOIN ${state}."tables" t USING (environment_id, "table")
     WHERE split_part(q.key, ',', 1) = ANY ($1::text[]) AND q.environment_id = $2 AND q."table" = $3`;
}

/** SQL: of the keys `$1` in the partitions `$2`, those that the mirror has in a newer version than `$3`. */
export function newerRows(mirror: MirrorTable): string {
  const version = mirror.versionField === undefined ? 'NULL' : `m.${columnName(mirror, mirror.versionField)}`;
  return `SELECT r.key::text AS key, r.partition
      FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS r(key, partition, version)
      JOIN ${mirror.qualified} m ON ${sameKey(mirror, 'r', KEY_COLUMNS)}
     WHERE ${version} > r.version`;
}

/** How staged rows are brought together with the rows of the mirror table: see `updateStaged`. */
export interface StagedMode {
  readonly rewrite: boolean;
  readonly overUnseen: string | undefined;
}
