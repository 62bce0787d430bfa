import type pg from 'pg';
import type { RowId } from '../../model/page.ts';
import { isLive, KEY_COLUMNS, keyColumns, sameKey } from '../page/merge-sql.ts';
import { columnName, MIRRORED_AT, type MirrorTable } from '../table/mirror-table.ts';
import { qualifiedName, quoteIdentifier } from '../table/identifier.ts';
import type { ValueDifference } from './compare-rows.ts';
import type { ScratchTables } from './scratch-table.ts';
import type { StateStore } from '../state/store.ts';

/** How mirror and source may differ in a row. */
export type DifferenceKind = 'missing' | 'extra' | 'stale' | 'values';

/** A row that may differ. */
export interface Suspect {
  readonly id: RowId;
  readonly kind: DifferenceKind;
  /** The version that the source had when it was read last; null for a row that it did not have. */
  readonly sourceVersion: bigint | null;
  /** The version that the mirror had at the last look; null for a row that it did not have. */
  readonly mirrorVersion: bigint | null;
  /** The mirror had the row at the last look. */
  readonly isPresent: boolean;
  /** The source did not have the row when it was asked for that row alone. */
  readonly wasGone: boolean;
  readonly columns: readonly string[];
  /** Of the values that the source had when it was read last; null where they were not compared. */
  readonly fingerprint: string | null;
}

/** What the comparison knows about the time of a look at the mirror. */
export interface Reached {
  /** The row version up to which the mirror was complete when the walk began; null where the link does not tell. */
  readonly before: bigint | null;
  /** The same now. */
  readonly now: bigint | null;
}

/** SQL: the version of row `m`; null for a table without versions. */
function versionOf(mirror: MirrorTable): string {
  return mirror.versionField === undefined ? 'NULL::bigint' : `m.${columnName(mirror, mirror.versionField)}`;
}

/**
 * SQL: whether a run has stored row `m` since the verification of table `$1` began. Until then, the mirror had no reason
 * to be ahead of what the source answered: the environment went back in time, or the row never was at the source.
 */
function isStoredSince(store: StateStore): string {
  return `m.${quoteIdentifier(MIRRORED_AT)} >= (SELECT v.started_at FROM ${qualifiedName(store.schema, 'verifications')} v
    WHERE v.environment_id = ${store.environmentId} AND v."table" = $1)`;
}

/** SQL: whether row `from` of a table of keys is in quarantine. Such a row is known to differ. */
function isQuarantined(store: StateStore, from: string): string {
  return `EXISTS (SELECT FROM ${qualifiedName(store.schema, 'quarantine')} q WHERE q.environment_id = ${store.environmentId}
    AND q."table" = $1 AND q.key = ${from}.key::text || coalesce(',' || ${from}.partition, ''))`;
}

/**
 * Finds the rows that may differ: joins what the source had with the mirror as it is now. Two kinds of difference are
 * only the time between both looks: versions above what the mirror has reached, and rows that a run has stored since
 * the walk began.
 */
export async function findSuspects(
  client: pg.ClientBase,
  store: StateStore,
  mirror: MirrorTable,
  { keys, suspects }: ScratchTables,
  { before, now }: Reached,
): Promise<void> {
  const version = versionOf(mirror);
  const [key, partition] = keyColumns(mirror);
  const columns = [...keyColumns(mirror), quoteIdentifier(MIRRORED_AT)];
  if (mirror.versionField !== undefined) columns.push(columnName(mirror, mirror.versionField));
  // One join finds all three kinds, because a join for extra rows alone would take as long again. A row above what the
  // mirror has reached is yet to come. A row that comes twice is found by its highest version: to find that among the
  // few suspects is quicker than among all keys.
  await client.query(
    `INSERT INTO ${suspects} (key, partition, kind, source_version, mirror_version, is_present)
     SELECT DISTINCT ON (d.key, d.partition) d.key, d.partition, d.kind, d.source_version, d.mirror_version, d.is_present
       FROM (SELECT coalesce(s.key, m.${key}) AS key, coalesce(s.partition, ${partition === undefined ? 'NULL' : `m.${partition}`}) AS partition,
                    CASE WHEN s.key IS NULL THEN 'extra' WHEN m.${key} IS NULL THEN 'missing' ELSE 'stale' END AS kind,
                    s.version AS source_version, ${version} AS mirror_version, m.${key} IS NOT NULL AS is_present
               FROM ${keys} s FULL JOIN (SELECT ${columns.join(', ')} FROM ${mirror.qualified} m WHERE ${isLive(mirror)}) m
                 ON ${sameKey(mirror, 's', KEY_COLUMNS)}
              WHERE CASE WHEN s.key IS NULL THEN (${version} > $2::bigint AND ${version} <= $3::bigint) IS NOT TRUE
                         ELSE (m.${key} IS NULL OR ${version} IS DISTINCT FROM s.version)
                          AND (s.version > $3::bigint) IS NOT TRUE
                          AND (${version} > s.version AND ${version} <= $3::bigint AND ${isStoredSince(store)}) IS NOT TRUE END) d
      WHERE NOT ${isQuarantined(store, 'd')}
      ORDER BY d.key, d.partition, d.source_version DESC NULLS LAST
     ON CONFLICT (key, partition) DO UPDATE SET kind = excluded.kind, source_version = excluded.source_version,
       mirror_version = excluded.mirror_version, is_present = excluded.is_present`,
    [mirror.table.logicalName, text(before), text(now)],
  );
}

/**
 * Looks at the mirror again, after a delta that began later than the last look at the source: takes off the rows that
 * are as the source had them, and notes how the mirror has the others.
 *
 * @returns how many rows are left.
 */
export async function settleSuspects(
  client: pg.ClientBase,
  store: StateStore,
  mirror: MirrorTable,
  { suspects }: ScratchTables,
  { before, now }: Reached,
): Promise<number> {
  // A change since the first look may have put the row in quarantine.
  await client.query(`DELETE FROM ${suspects} s WHERE ${isQuarantined(store, 's')}`, [
    mirror.table.logicalName,
  ]);
  const version = versionOf(mirror);
  const [key] = keyColumns(mirror);
  await client.query(
    `WITH looked AS (
       SELECT s.key, s.partition, s.kind, s.source_version, s.mirror_version AS before, m.${key} IS NOT NULL AS present, ${version} AS version,
              ${isStoredSince(store)} AS stored_since
         FROM ${suspects} s LEFT JOIN ${mirror.qualified} m ON ${sameKey(mirror, 's', KEY_COLUMNS)} AND ${isLive(mirror)}),
     settled AS (
       DELETE FROM ${suspects} s USING looked l WHERE ${isLooked('s')} AND CASE l.kind
         WHEN 'extra' THEN NOT l.present OR (l.version IS DISTINCT FROM l.before AND coalesce(l.version > $2::bigint, true))
         WHEN 'values' THEN l.present AND l.version IS DISTINCT FROM l.source_version AND ${isNewerByDelta()}
         ELSE l.present AND (l.version IS NOT DISTINCT FROM l.source_version OR ${isNewerByDelta()}) END
       RETURNING l.key, l.partition)
     UPDATE ${suspects} s SET is_present = l.present,
            was_gone = s.was_gone AND l.present AND l.version IS NOT DISTINCT FROM l.before,
            mirror_version = l.version
       FROM looked l WHERE ${isLooked('s')} AND NOT EXISTS (SELECT FROM settled t WHERE ${isLooked('t')})`,
    [mirror.table.logicalName, text(before), text(now)],
  );
  const { rows } = await client.query<{ left: number }>(`SELECT count(*)::float8 AS left FROM ${suspects}`);
  return rows[0]?.left ?? 0;
}

/** SQL: whether a row is the suspect that `l` looked at. A place in the table would mean nothing beside distributed rows. */
function isLooked(row: string): string {
  return `${row}.key = l.key AND ${row}.partition IS NOT DISTINCT FROM l.partition`;
}

/**
 * SQL: whether the mirror's row is newer than the source's was, as a delta makes it. A version above what the mirror has
 * reached is odd. So is a row that was newer before the verification began; but a server that lags behind the others
 * answers with older rows too, so the next look at the source decides.
 */
function isNewerByDelta(): string {
  return '(l.version > l.source_version AND l.stored_since AND coalesce(l.version <= $3::bigint, true))';
}

const COLUMNS =
  'key::text, partition, kind, source_version::text, mirror_version::text, is_present, was_gone, columns, fingerprint';

interface StoredSuspect extends pg.QueryResultRow {
  readonly key: string;
  readonly partition: string | null;
  readonly kind: DifferenceKind;
  readonly source_version: string | null;
  readonly mirror_version: string | null;
  readonly is_present: boolean;
  readonly was_gone: boolean;
  readonly columns: string[];
  readonly fingerprint: string | null;
}

/** Reads some suspects after a key, in the order of the whole key. */
export async function readSuspects(
  client: pg.ClientBase,
  { suspects }: ScratchTables,
  after: RowId | null,
  count: number,
): Promise<Suspect[]> {
  const { rows } = await client.query<StoredSuspect>(
    `SELECT ${COLUMNS} FROM ${suspects}
      WHERE $1::uuid IS NULL OR (key, coalesce(partition, '')) > ($1::uuid, $2::text)
      ORDER BY key, coalesce(partition, '') LIMIT $3`,
    [after?.key ?? null, after?.partition ?? '', count],
  );
  return rows.map((row) => ({
    id: { key: row.key, partition: row.partition },
    kind: row.kind,
    sourceVersion: row.source_version === null ? null : BigInt(row.source_version),
    mirrorVersion: row.mirror_version === null ? null : BigInt(row.mirror_version),
    isPresent: row.is_present,
    wasGone: row.was_gone,
    columns: row.columns,
    fingerprint: row.fingerprint,
  }));
}

/** What becomes of a suspect: it is taken off, or looked at again after the next delta. */
export type Verdict =
  | { readonly id: RowId; readonly is: 'settled' | 'difference' }
  | { readonly id: RowId; readonly is: 'again'; readonly change: Partial<Suspect> };

/** Stores verdicts. Confirmed differences leave the suspects too: they are on record by then. */
export async function applyVerdicts(
  client: pg.ClientBase,
  { suspects }: ScratchTables,
  verdicts: readonly Verdict[],
): Promise<void> {
  const isRow = `s.key = v.key AND s.partition IS NOT DISTINCT FROM v.partition`;
  const done = verdicts.filter(({ is }) => is !== 'again').map(({ id }) => id);
  if (done.length > 0) {
    await client.query(
      `DELETE FROM ${suspects} s USING unnest($1::uuid[], $2::text[]) AS v(key, partition) WHERE ${isRow}`,
      [done.map(({ key }) => key), done.map(({ partition }) => partition ?? null)],
    );
  }
  const again = verdicts.filter((verdict) => verdict.is === 'again');
  if (again.length === 0) return;
  await client.query(
    `UPDATE ${suspects} s SET kind = coalesce(v.kind, s.kind), source_version = v.version,
            was_gone = v.gone, fingerprint = v.fingerprint
       FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::boolean[], $6::text[])
            AS v(key, partition, kind, version, gone, fingerprint)
      WHERE ${isRow}`,
    [
      again.map(({ id }) => id.key),
      again.map(({ id }) => id.partition ?? null),
      again.map(({ change }) => change.kind ?? null),
      again.map(({ change }) => change.sourceVersion?.toString() ?? null),
      again.map(({ change }) => change.wasGone ?? false),
      again.map(({ change }) => change.fingerprint ?? null),
    ],
  );
}

/** Adds rows whose values differ at the same version. */
export async function addValueSuspects(
  client: pg.ClientBase,
  { suspects }: ScratchTables,
  rows: readonly ValueDifference[],
): Promise<void> {
  if (rows.length === 0) return;
  const found = rows.map(({ id: { key, partition }, version, columns, fingerprint }) => ({
    key,
    partition: partition ?? null,
    version: text(version),
    columns,
    fingerprint,
  }));
  await client.query(
    `INSERT INTO ${suspects} (key, partition, kind, source_version, mirror_version, is_present, columns, fingerprint)
     SELECT key, partition, 'values', version, version, true, columns, fingerprint
       FROM jsonb_to_recordset($1::jsonb) AS r(key uuid, partition text, version bigint, columns text[], fingerprint text)
     ON CONFLICT (key, partition) DO UPDATE SET source_version = excluded.source_version,
       mirror_version = excluded.mirror_version, columns = excluded.columns, fingerprint = excluded.fingerprint`,
    [JSON.stringify(found)],
  );
}

/** A version as a parameter. */
function text(version: bigint | null): string | null {
  return version?.toString() ?? null;
}
