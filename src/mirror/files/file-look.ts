import type { FileColumn } from '../../model/files/file-column.ts';
import type { FileDeletes } from '../../model/files/file-place.ts';
import { statement, transaction } from '../connection/postgres.ts';
import { qualifiedName, quoteIdentifier, quoteLiteral, shortenIdentifier } from '../table/identifier.ts';
import type { MirrorTable } from '../table/mirror-table.ts';
import { hasWork } from '../lease/sole-work.ts';
import type { FileWork } from './file-queue.ts';

/** What a look at a mirror table found. */
export interface FileLook {
  /** Names the state of the mirror table that was looked at. The same text stands for the same rows. */
  readonly state: string;
  /** Bodies that rows name and that are new. */
  readonly found: number;
  /** Bodies that no row names any more. */
  readonly gone: number;
}

/** What the state says of a table with files. */
export interface FileTableState {
  readonly table: string;
  /** The columns that were last read. */
  readonly selection: string | null;
  /** As in {@link FileLook}; null while the rows are not complete: nothing follows then from a row that is not there. */
  readonly state: string | null;
  readonly isPaused: boolean;
}

/** The states of tables, by one statement. A table without state is left out. @throws Failure */
export async function fileTableStates(
  { pool, schema, store }: Pick<FileWork, 'pool' | 'schema' | 'store'>,
  names: readonly string[],
): Promise<FileTableState[]> {
  const { rows } = await statement<FileTableState>(pool, {
    text: `SELECT t."table", t.selection, CASE WHEN ${COMPLETE} THEN ${STATE} END AS state,
                  (t.paused_at IS NOT NULL AND (t.paused_until > clock_timestamp()) IS NOT FALSE) AS "isPaused"
             FROM ${qualifiedName(store.schema, 'tables')} t
             JOIN unnest($2::text[], $3::text[]) AS m ("table", qualified) ON m."table" = t."table"
            WHERE t.environment_id = $1`,
    values: [store.environmentId, names, names.map((name) => qualifiedName(schema, shortenIdentifier(name)))],
  });
  return rows;
}

/** SQL: names the rows of a mirror table. The row of state is `t`. */
const STATE = `concat_ws('/', t.load, t.load_pages, t.mirror_oid, t.selection)`;
/** SQL: the rows of a mirror table are complete. A table that loads, or is not the one that was loaded, may lack rows. */
const COMPLETE = `(t.phase = 'delta' AND t.selection IS NOT NULL AND t.mirror_oid = to_regclass(m.qualified)::oid::int8)`;

/**
 * Compares what the rows of a mirror table name with what is known: new bodies wait from now on, and bodies that no row
 * names are gone. The comparison needs no record of what pages changed, so it also finds what a sweep, a repair, or a
 * person has changed.
 *
 * @param columns the body columns of the table that are wanted; others stay as they are, but wait no more.
 * @param deletes `delete`: an entry goes with its row, and its body if nothing else has it. `keep`: both stay.
 * @returns undefined, without effect, if the rows of the table are not complete, or if this process lost its turn.
 * @throws Failure
 */
export async function lookForFiles(
  { pool, store, holder }: FileWork,
  mirror: MirrorTable,
  columns: readonly FileColumn[],
  deletes: FileDeletes,
  signal: AbortSignal,
): Promise<FileLook | undefined> {
  const files = qualifiedName(store.schema, 'files');
  const unused = qualifiedName(store.schema, 'unused_bodies');
  const { environmentId } = store;
  const table = mirror.table.logicalName;
  return transaction(
    pool,
    async (client) => {
      // Before the rows: a page that comes between the two makes another state, and the next look finds its rows.
      const { rows } = await client.query<{ state: string }>(
        `SELECT ${STATE} AS state
           FROM ${qualifiedName(store.schema, 'tables')} t, (SELECT $3::text AS qualified) m
          WHERE t.environment_id = $1 AND t."table" = $2 AND ${COMPLETE} AND ${hasWork(store, 'files', ['$1', '$4'])}`,
        [environmentId, table, mirror.qualified, holder],
      );
      const [complete] = rows;
      if (complete === undefined) return undefined;
      await client.query(
        `DELETE FROM ${files} WHERE environment_id = $1 AND "table" = $2 AND sha256 IS NULL AND "column" <> ALL ($3)`,
        [environmentId, table, columns.map(({ name }) => name)],
      );
      if (columns.length === 0) return { state: complete.state, found: 0, gone: 0 };
      const isNamed = `EXISTS (SELECT FROM named n WHERE n.key = f.key AND n."column" = f."column" AND n.file_id = f.file_id)`;
      const ours = `f.environment_id = $1 AND f."table" = $2 AND f."column" = ANY ($3)`;
      const kept = deletes === 'keep' ? 'f.sha256 IS NOT NULL' : 'false';
      const { rows: counts } = await client.query<{ found: number; gone: number }>(
        `WITH named AS MATERIALIZED (${namedBodies(mirror, columns)}),
         back AS (UPDATE ${files} f SET deleted_at = NULL WHERE ${ours} AND f.deleted_at IS NOT NULL AND ${isNamed}),
         marked AS (UPDATE ${files} f SET deleted_at = clock_timestamp()
                     WHERE ${ours} AND f.deleted_at IS NULL AND ${kept} AND NOT ${isNamed} RETURNING f.location, f.sha256),
         removed AS (DELETE FROM ${files} f
                      WHERE ${ours} AND f.deleted_at IS NULL AND NOT (${kept}) AND NOT ${isNamed} RETURNING f.location, f.sha256),
         due AS (INSERT INTO ${unused} (environment_id, location, sha256)
                 SELECT DISTINCT $1::int, location, sha256 FROM removed WHERE sha256 IS NOT NULL ON CONFLICT DO NOTHING),
         added AS (INSERT INTO ${files} (environment_id, "table", key, "column", file_id, file_name, mime_type)
                   SELECT $1, $2, n.key, n."column", n.file_id, n.file_name, n.mime_type FROM named n
                    WHERE NOT EXISTS (SELECT FROM ${files} f WHERE ${ours} AND n.key = f.key AND n."column" = f."column" AND n.file_id = f.file_id)
                   ON CONFLICT DO NOTHING RETURNING 1)
         SELECT (SELECT count(*) FROM added)::int AS found,
                ((SELECT count(*) FROM marked) + (SELECT count(*) FROM removed))::int AS gone`,
        [environmentId, table, columns.map(({ name }) => name)],
      );
      return { state: complete.state, found: counts[0]?.found ?? 0, gone: counts[0]?.gone ?? 0 };
    },
    signal,
  );
}

/** SQL: each body that a row of the mirror table names. */
function namedBodies(mirror: MirrorTable, columns: readonly FileColumn[]): string {
  const identifiers = new Map(mirror.columns.map(({ name, identifier }) => [name, identifier]));
  const of = (name: string): string => `m.${quoteIdentifier(identifiers.get(name) ?? name)}`;
  const textOf = (name: string | undefined): string => (name === undefined ? 'NULL' : `${of(name)}::text`);
  const values = columns.map(({ name, identity, fileName, mimeType, presence }) => {
    const [first = ''] = identity;
    const isThere = [
      `${of(first)} IS NOT NULL`,
      ...(presence === undefined ? [] : [`${of(presence)} IS NOT FALSE`]),
    ];
    const id = `CASE WHEN ${isThere.join(' AND ')} THEN concat_ws('/', ${identity.map(of).join(', ')}) END`;
    return `(${quoteLiteral(name)}, ${id}, ${textOf(fileName)}, ${textOf(mimeType)})`;
  });
  const key = of(mirror.table.key);
  return `SELECT ${key} AS key, v."column", v.file_id, v.file_name, v.mime_type FROM ${mirror.qualified} m
           CROSS JOIN LATERAL (VALUES ${values.join(', ')}) AS v ("column", file_id, file_name, mime_type)
          WHERE v.file_id IS NOT NULL`;
}
