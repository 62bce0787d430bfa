import type pg from 'pg';
import { qualifiedName } from '../table/identifier.ts';
import { LOGGED_CHANGES } from './log-functions.ts';
import { LOG_TRIGGERS } from './own-triggers.ts';

/** Changes in a call, at most. */
const MOST_CHANGES = 100;
/** Bytes of the changes in a call, at most. A change that is larger goes alone. */
const MOST_BYTES = 256_000;
/** Bytes of a change above which it goes without its rows, because few receivers take so much. */
const LARGEST_CHANGE = 1_000_000;
/**
 * Changes that are looked at in one step, where some of them are of tables that are not wanted. PostgreSQL makes JSON of
 * each, so more of them would slow a webhook down that wants most.
 */
const LOOKED_AT = 250;

/** Whose changes are read. */
export interface BatchSource {
  /** The consumer of the change log. */
  readonly consumer: string;
  readonly stateSchema: string;
  readonly schema: string;
  readonly environmentId: number;
  /** Undefined for all tables. */
  readonly tables: readonly string[] | undefined;
}

/** Changes as a receiver gets them, in the order of the log. */
export interface ReadChanges {
  /** JSON, one object after the other with commas between them; empty if no change is wanted. */
  readonly changes: string;
  /** The position that is done with once these changes are delivered; null if the log has nothing new. */
  readonly through: string | null;
}

/**
 * SQL: a change as JSON. PostgreSQL writes it, because a number of JavaScript holds neither every bigint nor every
 * decimal. Numbers of the log that are not a value of the row are texts, which every receiver can read exactly.
 */
const changeJson = (before: string, after: string, omitted = false): string =>
  `json_build_object('table', w.table_name, 'key', w.key, 'partition', w.partition, 'operation', w.operation,
     'position', w.position::text, 'version', w.source_version::text,
     'changedAt', to_char(w.changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
     'columns', w.columns, 'before', ${before}, 'after', ${after}${omitted ? `, 'omitted', true` : ''})::text`;

/**
 * Reads the next changes of a consumer, without taking them.
 *
 * @param upTo ends the batch with this position, so that a batch that was begun before has the same changes.
 * @throws what `pg` throws; SQLSTATE MV005 if changes are gone that the consumer has not taken.
 */
export async function readNextChanges(
  client: pg.ClientBase,
  { consumer, stateSchema, schema, tables }: BatchSource,
  upTo: string | null,
): Promise<ReadChanges> {
  const { rows } = await client.query<{ changes: string | null; through: string | null }>(
    `WITH log AS MATERIALIZED (
       SELECT c.*, row_number() OVER (ORDER BY c.xact, c.position) AS at
         FROM ${qualifiedName(stateSchema, 'read_changes')}($1, $2, $3) c),
     cut AS (
       SELECT log.*, $4::text[] IS NULL OR table_name = ANY ($4) AS is_wanted FROM log
        WHERE at <= coalesce((SELECT l.at FROM log l WHERE l.position = $5::bigint), ${LOOKED_AT})),
     written AS (
       SELECT w.at, CASE WHEN octet_length(f.whole) > ${LARGEST_CHANGE} THEN ${changeJson('NULL', 'NULL', true)}
                         ELSE f.whole END AS change
         FROM (SELECT * FROM cut WHERE is_wanted ORDER BY at LIMIT ${MOST_CHANGES}) w
        CROSS JOIN LATERAL (SELECT ${changeJson('w.before', 'w.after')} AS whole) f),
     sized AS (
       SELECT at, change, sum(octet_length(change) + 1) OVER (ORDER BY at) AS bytes, row_number() OVER (ORDER BY at) AS nth
         FROM written),
     taken AS (SELECT at, change FROM sized WHERE bytes <= ${MOST_BYTES} OR nth = 1),
     ends AS (
       SELECT coalesce((SELECT min(at) - 1 FROM cut WHERE is_wanted AND at > (SELECT max(at) FROM taken)),
                       (SELECT max(at) FROM cut)) AS at)
     SELECT (SELECT string_agg(change, ',' ORDER BY at) FROM taken) AS changes,
            (SELECT cut.position::text FROM cut JOIN ends USING (at)) AS through`,
    [consumer, tables === undefined ? MOST_CHANGES : LOOKED_AT, schema, tables, upTo],
  );
  const [read] = rows;
  return { changes: read?.changes ?? '', through: read?.through ?? null };
}

/**
 * Markers that stand for all rows of the tables: the receiver takes the tables as they are now. All come in one batch.
 *
 * @returns JSON as `readNextChanges` does; only tables that have a change log now have a marker.
 */
export async function readMarkers(
  client: pg.ClientBase,
  { stateSchema, environmentId, tables }: BatchSource,
): Promise<string> {
  const { rows } = await client.query<{ changes: string | null }>(
    `SELECT string_agg(${changeJson('NULL', 'NULL')}, ',' ORDER BY w.table_name) AS changes
       FROM (SELECT t."table" AS table_name, NULL AS key, NULL AS partition, 'b' AS operation, NULL AS position,
                    NULL AS source_version, now() AS changed_at, NULL::text[] AS columns
               FROM ${qualifiedName(stateSchema, 'tables')} t
              WHERE t.environment_id = $1 AND ($2::text[] IS NULL OR t."table" = ANY ($2))
                AND EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid::int8 = t.mirror_oid AND g.tgname = $3)) w`,
    [environmentId, tables, LOG_TRIGGERS[0]?.name],
  );
  return rows[0]?.changes ?? '';
}

/** Puts a consumer at the end of the log: it gets what changes from now on. A new consumer is made. */
export async function startAtEnd(
  client: pg.ClientBase,
  { consumer, stateSchema }: BatchSource,
): Promise<void> {
  const state = (name: string): string => qualifiedName(stateSchema, name);
  await client.query(`SELECT ${state('forget_consumer')}($1)`, [consumer]);
  await client.query(`SELECT FROM ${state('read_changes')}($1, 0)`, [consumer]);
  await client.query(
    `UPDATE ${state('consumers')} k SET xact = c.xact, position = c.position
       FROM (SELECT xact, position FROM ${state(LOGGED_CHANGES)}
              WHERE xact < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xact DESC, position DESC LIMIT 1) c
      WHERE k.consumer = $1 AND (c.xact, c.position) > (k.xact, k.position)`,
    [consumer],
  );
}
