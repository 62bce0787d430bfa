import type pg from 'pg';
import { eraseDetails } from '../audit/detail-store.ts';
import { transaction } from '../connection/postgres.ts';
import type { MirrorDatabase } from '../database.ts';
import { and, eq } from '../drizzle.ts';
import { LOGGED_CHANGES } from '../feed/log-functions.ts';
import { LETTERS } from '../feed/dead-letters.ts';
import { dropFiles } from '../files/unused-bodies.ts';
import { keyText } from '../page/row-key.ts';
import type { StateStore } from '../state/store.ts';
import { findHistory } from '../history/history-table.ts';
import { historyPlace } from '../history/history-names.ts';
import { qualifiedName, quoteIdentifier } from '../table/identifier.ts';
import { DELETED_AT, MIRRORED_AT } from '../table/mirror-table.ts';
import type { ErasableTable } from './erasable-table.ts';
import type { RowId } from '../../model/page.ts';
import { tableNotKnown } from './table-commands.ts';

/** How many entries of a row were removed from each place. */
export interface ErasedTraces {
  /** Changes of the change log. */
  readonly changes: number;
  /** Records of the history. */
  readonly history: number;
  readonly quarantine: number;
  /** Differences that verifications found. */
  readonly differences: number;
  /** Values of audit details: of the audit rows about this row, or of this audit row. */
  readonly auditDetails: number;
  /** Changes in dead letters of webhooks. */
  readonly deadLetters: number;
  /** Bodies of files: of a row that is still there, only those that it does not name any more. */
  readonly files: number;
  /** The row of the mirror table, if it was marked deleted or the table was forgotten. */
  readonly mirror: number;
}

/** What was removed, and whether the mirror table still has the row because the source had it lately. */
export interface Erasure {
  readonly removed: ErasedTraces;
  readonly isInMirror: boolean;
}

/**
 * Removes what is kept of a row beside the mirror table, and the row itself if it is marked deleted. A row that the source
 * has stays in the mirror table, because the next load would bring it again, and the record of its state now stays in the
 * history. No load brings a row of a forgotten table again, so such a row goes.
 *
 * The row of state is locked meanwhile: no page of the table is stored between the look at the mirror and the removal.
 * The change log is searched afterwards, because it has no index on the key, and a long search would hold up the pages.
 *
 * @throws Failure `table-not-known`
 */
export async function eraseRow(
  { pool }: MirrorDatabase,
  store: StateStore,
  mirror: ErasableTable,
  id: RowId,
  signal: AbortSignal,
): Promise<Erasure> {
  const beside = await transaction(pool, async (client) => eraseBeside(client, store, mirror, id), signal);
  const { isInMirror, ...removed } = beside;
  const changes = await transaction(pool, async (client) => eraseChanges(client, store, mirror, id), signal);
  const deadLetters = await transaction(
    pool,
    async (client) => eraseFromDeadLetters(client, store, mirror, id),
    signal,
  );
  return { removed: { changes, ...removed, deadLetters }, isInMirror };
}

async function eraseBeside(client: pg.PoolClient, store: StateStore, mirror: ErasableTable, id: RowId) {
  const { tables, quarantine, differences, commands } = store.tables;
  const { db } = store.on(client);
  const { environmentId } = store;
  const table = mirror.logicalName;
  const locked = await db
    .select({ table: tables.table })
    .from(tables)
    .where(and(eq(tables.environmentId, environmentId), eq(tables.table, table)))
    .for('no key update');
  if (locked.length === 0 && !mirror.isForgotten) throw tableNotKnown(table);
  const found = await eraseMarked(client, mirror, id);
  const key = keyText(id);
  const counts: number[] = [];
  for (const kept of [quarantine, differences]) {
    const { rowCount } = await db
      .delete(kept)
      .where(and(eq(kept.environmentId, environmentId), eq(kept.table, table), eq(kept.key, key)));
    counts.push(rowCount ?? 0);
  }
  const history = await eraseHistory(client, mirror, id, found.isInMirror);
  const files = await dropFiles(client, store, { table, key: id.key, deletedAlone: found.isInMirror });
  // The record has no key: it stays after the row is gone.
  await db.insert(commands).values({ environmentId, table, command: 'erase', askedVia: 'cli' });
  const place = { schema: mirror.schema, stateSchema: store.schema, environmentId };
  const auditDetails = await eraseDetails(client, place, { table, key: id.key });
  return { ...found, history, files, quarantine: counts[0] ?? 0, differences: counts[1] ?? 0, auditDetails };
}

/** SQL: whether a row is the one with this key. @param at the number of the first parameter. */
function isRow(mirror: ErasableTable, at: number): string {
  const isKey = `${mirror.key ?? 'NULL::uuid'} = $${at}::uuid`;
  return mirror.partition === undefined
    ? `${isKey} AND $${at + 1}::text IS NULL`
    : `${isKey} AND ${mirror.partition} IS NOT DISTINCT FROM $${at + 1}::text`;
}

async function eraseMarked(
  client: pg.PoolClient,
  mirror: ErasableTable,
  id: RowId,
): Promise<{ mirror: number; isInMirror: boolean }> {
  const columns = await columnsOf(client, mirror.qualified);
  if (!columns.has(MIRRORED_AT)) return { mirror: 0, isInMirror: false };
  const parameters = [id.key, id.partition ?? null];
  let marked = 0;
  if (mirror.isForgotten || columns.has(DELETED_AT)) {
    const isMarked = mirror.isForgotten ? 'true' : `${quoteIdentifier(DELETED_AT)} IS NOT NULL`;
    const { rowCount } = await client.query(
      `DELETE FROM ${mirror.qualified} WHERE ${isRow(mirror, 1)} AND ${isMarked}`,
      parameters,
    );
    marked = rowCount ?? 0;
  }
  const { rowCount } = await client.query(
    `SELECT FROM ${mirror.qualified} WHERE ${isRow(mirror, 1)}`,
    parameters,
  );
  return { mirror: marked, isInMirror: (rowCount ?? 0) > 0 };
}

/** The history of a row, without the open record of a row that is still there. */
async function eraseHistory(
  client: pg.PoolClient,
  mirror: ErasableTable,
  id: RowId,
  isInMirror: boolean,
): Promise<number> {
  const place = historyPlace(mirror.schema, mirror.logicalName);
  if ((await findHistory(client, place)) !== 'ours') return 0;
  const { rowCount } = await client.query(
    `DELETE FROM ${place.records} WHERE ${isRow(mirror, 1)}${isInMirror ? ' AND _valid_to IS NOT NULL' : ''}`,
    [id.key, id.partition ?? null],
  );
  return rowCount ?? 0;
}

/** Names of the columns of a table; none if there is no such table. */
async function columnsOf(client: pg.PoolClient, qualified: string): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT attname AS name FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped`,
    [qualified],
  );
  return new Set(rows.map(({ name }) => name));
}

async function eraseChanges(
  client: pg.PoolClient,
  store: StateStore,
  { logicalName: table }: ErasableTable,
  id: RowId,
): Promise<number> {
  const { rowCount } = await client.query(
    `DELETE FROM ${qualifiedName(store.schema, LOGGED_CHANGES)}
      WHERE environment_id = $1 AND table_name = $2 AND key = $3::uuid AND partition IS NOT DISTINCT FROM $4`,
    [store.environmentId, table, id.key, id.partition ?? null],
  );
  return rowCount ?? 0;
}

/** The other changes of a batch stay. A batch without any change left goes. */
async function eraseFromDeadLetters(
  client: pg.PoolClient,
  store: StateStore,
  { logicalName: table }: ErasableTable,
  id: RowId,
): Promise<number> {
  const letters = qualifiedName(store.schema, LETTERS);
  const isOf = `c ->> 'table' = $2 AND c ->> 'key' = $3 AND (c ->> 'partition') IS NOT DISTINCT FROM $4`;
  const { rows } = await client.query<{ removed: number }>(
    `WITH cut AS (
       SELECT d.id, (SELECT count(*) FROM jsonb_array_elements(d.changes) c WHERE ${isOf}) AS removed,
              (SELECT jsonb_agg(e.c ORDER BY e.at) FROM jsonb_array_elements(d.changes) WITH ORDINALITY AS e (c, at)
                WHERE (${isOf}) IS NOT TRUE) AS changes
         FROM ${letters} d WHERE d.environment_id = $1),
     gone AS (DELETE FROM ${letters} d USING cut WHERE d.id = cut.id AND cut.removed > 0 AND cut.changes IS NULL),
     less AS (UPDATE ${letters} d SET changes = cut.changes FROM cut
               WHERE d.id = cut.id AND cut.removed > 0 AND cut.changes IS NOT NULL)
     SELECT coalesce(sum(removed), 0)::int AS removed FROM cut`,
    [store.environmentId, table, id.key.toLowerCase(), id.partition ?? null],
  );
  return rows[0]?.removed ?? 0;
}
