import type pg from 'pg';
import { LETTERS } from '../feed/dead-letters.ts';
import { transaction } from '../connection/postgres.ts';
import type { MirrorDatabase } from '../database.ts';
import { CHANGES } from '../feed/log-functions.ts';
import { findHistory } from '../history/history-table.ts';
import { historyPlace } from '../history/history-names.ts';
import type { StateStore } from '../state/store.ts';
import { qualifiedName, quoteIdentifier, shortenIdentifier } from '../table/identifier.ts';
import { columnName, MIRRORED_AT, type MirrorTable } from '../table/mirror-table.ts';

/** Where a table has rows that can be erased. */
export interface ErasableTable {
  readonly logicalName: string;
  /** The schema of the mirror tables. */
  readonly schema: string;
  /** Schema and name of the mirror table, quoted. */
  readonly qualified: string;
  /** The column of the key, quoted; undefined where neither mirror table nor history is left. */
  readonly key: string | undefined;
  /** The column that completes the key of an elastic table, quoted. */
  readonly partition: string | undefined;
  /** Nobody mirrors the table any more: no load brings a row again. */
  readonly isForgotten: boolean;
}

export function erasableTable(mirror: MirrorTable): ErasableTable {
  return {
    logicalName: mirror.table.logicalName,
    schema: mirror.schema,
    qualified: mirror.qualified,
    key: columnName(mirror, mirror.keyField),
    partition: mirror.partitionField === undefined ? undefined : columnName(mirror, mirror.partitionField),
    isForgotten: false,
  };
}

/**
 * What is left of a table that was forgotten. `forget` leaves the change log, the dead letters and the history, and the
 * state knows nothing of the table afterwards. The columns of the key are those of the first unique index.
 *
 * @returns undefined if nothing is left.
 */
export async function findForgotten(
  { pool, schema }: MirrorDatabase,
  store: StateStore,
  table: string,
): Promise<ErasableTable | undefined> {
  return transaction(pool, async (client) => find(client, store, schema, table));
}

async function find(
  client: pg.ClientBase,
  store: StateStore,
  schema: string,
  table: string,
): Promise<ErasableTable | undefined> {
  const qualified = qualifiedName(schema, shortenIdentifier(table));
  const place = historyPlace(schema, table);
  const history = (await findHistory(client, place)) === 'ours' ? place.records : null;
  const { rows } = await client.query<{ columns: string[] | null; hasEntries: boolean }>(
    `SELECT (SELECT ARRAY(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY k (attnum, at)
                            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum ORDER BY k.at)
               FROM pg_index i
              WHERE i.indisunique AND (i.indrelid = to_regclass($1) OR (i.indrelid = to_regclass($2)
                AND EXISTS (SELECT FROM pg_attribute m WHERE m.attrelid = i.indrelid AND m.attname = '${MIRRORED_AT}' AND NOT m.attisdropped)))
              ORDER BY i.indrelid = to_regclass($1) DESC NULLS LAST, i.indexrelid LIMIT 1) AS columns,
            EXISTS (SELECT FROM ${qualifiedName(store.schema, CHANGES)} c WHERE c.environment_id = $3 AND c.table_name = $4)
            OR EXISTS (SELECT FROM ${qualifiedName(store.schema, LETTERS)} d
                        WHERE d.environment_id = $3 AND d.changes @> jsonb_build_array(jsonb_build_object('table', $4::text))) AS "hasEntries"`,
    [history, qualified, store.environmentId, table],
  );
  const { columns = null, hasEntries = false } = rows[0] ?? {};
  if (columns === null && !hasEntries) return undefined;
  const [key, partition] = (columns ?? []).map(quoteIdentifier);
  return { logicalName: table, schema, qualified, key, partition, isForgotten: true };
}
