import type pg from 'pg';
import type { Link } from '../../model/page.ts';
import type { ColumnType } from '../../model/table.ts';
import { PostgresConnection } from '../connection/postgres.ts';
import { tableViewSchemas, type LabelWishes } from '../labels/label-store.ts';
import { VIEWS } from '../labels/label-tables.ts';
import { changedColumns, type CatalogRecord } from '../state/catalog.ts';
import type { StateStore } from '../state/store.ts';
import { planTable } from './ddl-plan.ts';
import { APPLY_ALL, type ExistingColumn, type ExistingTable } from './drift.ts';
import { qualifiedName, shortenIdentifier } from './identifier.ts';
import { HISTORY_TRIGGERS, LOG_TRIGGERS, namesOf, type OwnTrigger } from '../feed/own-triggers.ts';
import { historySchema } from '../history/history-names.ts';
import { lookupsWithoutIndex } from './indexes/lookup-indexes.ts';
import { marksName } from './load-marks.ts';
import type { MirrorTable } from './mirror-table.ts';
import { filledAmong, LEAVES } from './partitions/filled-partitions.ts';
import { identityOfPartitions } from './partitions/partition-identity.ts';
import { LAYOUT } from './partitions/partition-layout.ts';
import { guardArguments, TRIGGER, TRUNCATED } from './truncation-trigger.ts';

/** A table that is up to date, and whose state and mirror table are as the last run left them. */
export interface UntouchedTable {
  readonly fence: bigint;
  readonly changes: number;
  readonly link: Link;
  readonly selection: string;
  readonly metadataId: string | null;
  readonly catalog: readonly CatalogRecord[];
  readonly existing: ExistingTable;
  /** Columns that alone tell the rows apart. */
  readonly keys: readonly string[];
  /** Columns that an index begins with. */
  readonly indexed: readonly string[];
}

/** The mirror that is asked. */
export interface AskedMirror {
  readonly pool: pg.Pool;
  readonly store: StateStore;
  /** Schema of the mirror tables. */
  readonly schema: string;
  readonly options: { readonly labels?: LabelWishes };
}

export interface UntouchedQuestion {
  /** The state of the metadata that the definitions must belong to. */
  readonly basis: string;
  /** The process, by its name to the leases. */
  readonly holder: string;
  /** The tables, each with the fingerprint of its settings. */
  readonly tables: ReadonlyMap<string, string>;
  /** Those of them whose changes go to the change log. */
  readonly logged: ReadonlySet<string>;
  /** Those of them that have a history. */
  readonly recorded: ReadonlySet<string>;
  /** Those of them that have partitions, and how many. */
  readonly divided: ReadonlyMap<string, number>;
}

/** Milliseconds. Somebody may have locked one of the tables, and the others must not wait for it. */
const LONGEST = { lock: 500, statement: 5_000 };

/**
 * Finds the tables that a preparation would leave as they are, as far as the state and the catalog of PostgreSQL tell.
 * `fitsUnchanged` tells the rest. The statements check for all tables at once what a preparation checks for one table
 * by some twenty statements.
 *
 * The settings are recorded as each preparation records them, because other processes notice by them that this
 * one is at work.
 *
 * @returns the tables by name. A table that is not among them needs a whole preparation, which tells why.
 * @throws what `pg` throws, and Failure
 */
export async function findUntouched(
  mirror: AskedMirror,
  question: UntouchedQuestion,
): Promise<Map<string, UntouchedTable>> {
  const connection = await PostgresConnection.take(mirror.pool);
  try {
    return await connection.transaction(async (client) => {
      await client.query(
        `SET LOCAL lock_timeout = ${LONGEST.lock}; SET LOCAL statement_timeout = ${LONGEST.statement}`,
      );
      const rows = await readRows(client, mirror, question);
      const filled = await whichHaveRows(client, mirror.schema, rows);
      const kept = rows.filter((row, at) => row.hasRows === filled[at]);
      return new Map(kept.map((row) => [row.name, untouched(row)]));
    });
  } finally {
    connection.release();
  }
}

/**
 * Whether a preparation would leave an untouched table and its catalog as they are.
 *
 * @param mirror the wanted mirror table.
 * @param attributes all attributes of the source.
 * @param indexesLookups whether its lookups must have indexes.
 */
export function fitsUnchanged(
  mirror: MirrorTable,
  attributes: ReadonlySet<string>,
  { existing, catalog, keys, indexed, metadataId }: UntouchedTable,
  indexesLookups = false,
): boolean {
  if (indexesLookups && lookupsWithoutIndex(mirror, new Set(indexed)).length > 0) return false;
  // The unique key of a table with partitions must also treat nulls as equal, which is not asked here.
  const key = mirror.columns[mirror.keyField]?.identifier ?? '';
  if (mirror.partitionField !== undefined || !keys.includes(key)) return false;
  if (mirror.table.metadataId !== undefined && mirror.table.metadataId !== metadataId) return false;
  const { changed, gone } = changedColumns(catalog, mirror.columns);
  if (catalog.length === 0 || changed.length > 0 || gone.length > 0) return false;
  if (catalog.some((entry) => !entry.removed && !attributes.has(entry.attribute))) return false;
  const plan = planTable(mirror, existing, { policy: APPLY_ALL, removed: [], day: '' });
  return plan.statements.length === 0 && plan.changes.length === 0 && !plan.refills;
}

interface Row extends pg.QueryResultRow {
  readonly name: string;
  readonly identifier: string;
  readonly fence: string;
  readonly changes: number;
  readonly link: string;
  readonly pageSize: number | null;
  readonly selection: string;
  readonly metadataId: string | null;
  readonly hasRows: boolean;
  /** Partitions, each with its schema, quoted; null for none. */
  readonly leaves: readonly string[] | null;
  readonly filledParts: number | null;
  readonly comment: string | null;
  readonly slots: number;
  readonly columns: readonly (readonly [name: string, type: string, comment: string | null])[] | null;
  readonly catalog: readonly CatalogRecord[] | null;
  readonly keys: readonly string[] | null;
  readonly indexed: readonly string[] | null;
}

async function readRows(
  client: pg.ClientBase,
  { store, schema, options: { labels } }: AskedMirror,
  { basis, holder, tables, logged, recorded, divided }: UntouchedQuestion,
): Promise<readonly Row[]> {
  const viewSchemas = labels === undefined ? [] : tableViewSchemas(labels);
  const state = (table: string): string => qualifiedName(store.schema, table);
  const names = [...tables.keys()];
  // A row of settings that another process has locked is passed over, as everywhere: that process prepares the table.
  const { rows } = await client.query<Row>(
    `WITH wanted AS (
       SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::bytea[], $14::bool[], $15::bool[], $17::int[])
           AS w (name, identifier, fingerprint, guard, logged, recorded, partitions)),
     mine AS (
       SELECT s.ctid AS at FROM ${state('settings')} s JOIN wanted w ON w.name = s."table" AND w.fingerprint = s.fingerprint
        WHERE s.environment_id = $1
          AND NOT EXISTS (SELECT FROM ${state('settings')} o WHERE o.environment_id = $1 AND o."table" = s."table"
                             AND o.fingerprint <> s.fingerprint)
          FOR NO KEY UPDATE SKIP LOCKED),
     seen AS (
       UPDATE ${state('settings')} s SET holder = $6, seen_at = clock_timestamp(), returned_at = NULL
         FROM mine WHERE s.ctid = mine.at RETURNING s."table" AS name)
     SELECT w.name, w.identifier, t.fence::text, t.changes::float8, t.link, t.link_page_size AS "pageSize", t.selection,
            t.metadata_id AS "metadataId", t.has_rows AS "hasRows", t.filled_parts AS "filledParts", ${LEAVES} AS leaves, obj_description(c.oid, 'pg_class') AS comment,
            c.relnatts AS slots,
            (SELECT json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod), col_description(c.oid, a.attnum)))
               FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
            (SELECT json_agg(json_build_object('column', k."column", 'identifier', k.identifier, 'attribute', k.attribute,
                      'property', k.property, 'type', k.type, 'metadataId', k.metadata_id, 'removed', k.removed_at IS NOT NULL))
               FROM ${state('columns')} k WHERE k.environment_id = $1 AND k."table" = w.name) AS catalog,
            (SELECT json_agg(a.attname) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
              WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL
                AND i.indexprs IS NULL AND i.indnkeyatts = 1) AS keys,
            (SELECT json_agg(a.attname) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
              WHERE i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL) AS indexed
       FROM wanted w
       JOIN seen USING (name)
       JOIN ${state('tables')} t ON t.environment_id = $1 AND t."table" = w.name
       JOIN ${state('definitions')} d ON d.environment_id = $1 AND d."table" = w.name
        AND d.basis = $7 AND d.unread_since IS NULL
       JOIN ${marksName(schema)} m ON m.table_name = w.name AND m.load = t.load AND m.pages = t.load_pages
       JOIN pg_class c ON c.oid = t.mirror_oid::oid AND c.relfilenode = t.mirror_file::oid AND c.relname = w.identifier
        AND c.relpersistence = 'p' AND c.relkind = CASE WHEN w.partitions IS NULL THEN 'r' ELSE 'p' END
        AND (w.partitions IS NULL OR t.mirror_parts = ${identityOfPartitions('c.oid')}
             AND (${LAYOUT} ->> 'count')::int = w.partitions)
       JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = $8
      WHERE t.phase = 'delta' AND t.link_kind = 'delta' AND NOT t.catching_up AND NOT t.rewound AND t.selection IS NOT NULL
        AND t.lease_holder IS NULL AND t.failures = 0 AND t.error_code IS NULL AND t.pending IS NULL
        AND t.unseen_rows IS NULL AND t.marked_rows IS NULL AND NOT t.sweep_allowed AND NOT t.erasure_allowed
        AND NOT (t.paused_at IS NOT NULL AND (t.paused_until > clock_timestamp()) IS NOT FALSE) AND t.resync_asked_at IS NULL
        AND t.marks_oid = to_regclass($9)::oid::int8
        AND (t.labels_version = $7 OR NOT $10)
        AND NOT EXISTS (SELECT FROM ${state('quarantine')} q WHERE q.environment_id = $1 AND q."table" = w.name)
        AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f')
        AND (c.relreplident <> 'd' OR EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary))
        AND NOT EXISTS (
          SELECT FROM (SELECT c.oid UNION SELECT relid FROM pg_partition_tree(c.oid)) AS r (oid)
           WHERE NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = r.oid AND g.tgname = $11 AND g.tgargs = w.guard
                                AND g.tgenabled = 'A' AND g.tgfoid = to_regproc($12)))
        AND ${hasAllOrNone(LOG_TRIGGERS, 'w.logged')} AND ${hasAllOrNone(HISTORY_TRIGGERS, 'w.recorded')}
        AND NOT (w.recorded AND to_regclass(format('%I.%I', $16::text, w.identifier)) IS NULL)
        ${viewSchemas.length === 0 ? 'AND $13::text[] IS NOT NULL' : noViewIsLost(schema)}`,
    [
      store.environmentId,
      names,
      names.map((name) => shortenIdentifier(name)),
      [...tables.values()],
      names.map((name) => guardArguments(store, name)),
      holder,
      basis,
      schema,
      marksName(schema),
      labels !== undefined,
      TRIGGER,
      qualifiedName(store.schema, TRUNCATED),
      viewSchemas,
      names.map((name) => logged.has(name)),
      names.map((name) => recorded.has(name)),
      historySchema(schema),
      names.map((name) => divided.get(name) ?? null),
    ],
  );
  return rows;
}

/** SQL: whether mirror table `c` has all of our triggers, where they are wanted, or none of them. */
function hasAllOrNone(triggers: readonly OwnTrigger[], wanted: string): string {
  return `(SELECT count(*) FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgname IN (${namesOf(triggers)})
                AND g.tgenabled = 'A') = CASE WHEN ${wanted} THEN ${triggers.length} ELSE 0 END`;
}

function noViewIsLost(schema: string): string {
  return `AND NOT EXISTS (SELECT FROM ${qualifiedName(schema, VIEWS)} v
                           WHERE v.view_schema = ANY ($13) AND v.view_name = w.identifier
                             AND NOT EXISTS (SELECT FROM pg_class l JOIN pg_namespace s ON s.oid = l.relnamespace
                                              WHERE s.nspname = v.view_schema AND l.relname = v.view_name))`;
}

/** Whether each mirror table has rows: they may have been deleted by hand. */
async function whichHaveRows(
  client: pg.ClientBase,
  schema: string,
  rows: readonly Row[],
): Promise<readonly (boolean | null)[]> {
  if (rows.length === 0) return [];
  const each = rows.map(({ identifier, leaves, filledParts }) => {
    const hasRows = `EXISTS (SELECT FROM ${qualifiedName(schema, identifier)})`;
    // A partition that has lost its rows makes the answer null, which differs from what the state has.
    return leaves === null
      ? hasRows
      : `CASE WHEN ${filledAmong(leaves)} >= ${filledParts ?? 0} THEN ${hasRows} END`;
  });
  const found = await client.query<{ filled: (boolean | null)[] }>(
    `SELECT ARRAY[${each.join(', ')}] AS filled`,
  );
  return found.rows[0]?.filled ?? [];
}

function untouched(row: Row): UntouchedTable {
  const { link: url, pageSize, selection, metadataId, changes, comment, slots } = row;
  const catalog = row.catalog ?? [];
  const known = new Map(catalog.map((entry) => [entry.identifier, entry]));
  const columns = (row.columns ?? []).map(([name, type, columnComment]): [string, ExistingColumn] => {
    const entry = known.get(name);
    const catalogued =
      entry === undefined
        ? {}
        : {
            holds: entry.type as ColumnType,
            attribute: entry.attribute,
            metadataId: entry.metadataId,
            removed: entry.removed,
          };
    return [name, { type, comment: columnComment, ...catalogued }];
  });
  return {
    fence: BigInt(row.fence),
    changes,
    link: { kind: 'delta', url, ...(pageSize === null ? {} : { pageSize }) },
    selection,
    metadataId,
    catalog,
    existing: { comment, slots, columns: new Map(columns) },
    keys: row.keys ?? [],
    indexed: row.indexed ?? [],
  };
}
