import { statement } from '../connection/postgres.ts';
import type { StateStore } from '../state/store.ts';
import { qualifiedName } from '../table/identifier.ts';
import type { MirrorDatabase } from '../database.ts';
import { hasWork, type Worker } from '../lease/sole-work.ts';

/** The bodies of one environment, as one process works on them. */
export interface FileWork extends MirrorDatabase, Worker {}

/** A body that nobody has fetched yet, or that was stored before `files.to` was changed. */
export interface WaitingFile {
  readonly table: string;
  readonly key: string;
  readonly column: string;
  readonly fileId: string;
  /** Tries that failed. */
  readonly attempts: number;
  /** The content, if the body lies in another place. */
  readonly sha256: string | null;
  readonly bytes: number | null;
}

/** A column by its logical name, and that of its table. */
export interface WantedColumn {
  readonly table: string;
  readonly column: string;
}

/** A body that was stored. */
export interface StoredFile {
  readonly sha256: string;
  readonly bytes: number;
  readonly location: string;
  /** Used if the row does not name the file and its type. */
  readonly fileName: string | undefined;
  readonly mimeType: string | undefined;
}

const IS_FILE = 'environment_id = $1 AND "table" = $3 AND key = $4 AND "column" = $5 AND file_id = $6';

const parametersOf = (
  { store, holder }: FileWork,
  { table, key, column, fileId }: WaitingFile,
): unknown[] => [store.environmentId, holder, table, key, column, fileId];

/**
 * The body that has waited longest and is due; undefined if none is.
 *
 * @param wanted the columns whose bodies are wanted.
 * @param root bodies belong below it. An entry whose body lies elsewhere is due too.
 * @throws Failure
 */
export async function nextFile(
  { pool, store }: FileWork,
  wanted: readonly WantedColumn[],
  root: string,
): Promise<WaitingFile | undefined> {
  const files = qualifiedName(store.schema, 'files');
  const due = `environment_id = $1 AND ("table", "column") IN (SELECT * FROM unnest($2::text[], $4::text[])) AND (next_attempt_at IS NULL OR next_attempt_at <= clock_timestamp())`;
  const select = `SELECT "table", key, "column", file_id AS "fileId", attempts, sha256, bytes FROM ${files} WHERE ${due}`;
  const { rows } = await statement<{ bytes: string | null } & Omit<WaitingFile, 'bytes'>>(pool, {
    text: `(${select} AND sha256 IS NULL ORDER BY next_attempt_at NULLS FIRST, found_at LIMIT 1)
           UNION ALL (${select} AND sha256 IS NOT NULL AND NOT starts_with(location, $3) LIMIT 1) LIMIT 1`,
    values: [
      store.environmentId,
      wanted.map(({ table }) => table),
      `${root}/`,
      wanted.map(({ column }) => column),
    ],
  });
  const [found] = rows;
  return found && { ...found, bytes: found.bytes === null ? null : Number(found.bytes) };
}

/**
 * Records that a body is stored.
 *
 * @returns false, without effect, if no row names the body any more, or if another process works on bodies now. The body
 *   may be unused then.
 * @throws Failure
 */
export async function fileStored(work: FileWork, file: WaitingFile, stored: StoredFile): Promise<boolean> {
  const files = qualifiedName(work.store.schema, 'files');
  const { rowCount } = await statement(work.pool, {
    text: `UPDATE ${files} SET sha256 = $7, bytes = $8, location = $9, file_name = coalesce(file_name, $10),
                  mime_type = coalesce(mime_type, $11), fetched_at = clock_timestamp(), attempts = 0,
                  next_attempt_at = NULL, error_code = NULL, error_message = NULL
            WHERE ${IS_FILE} AND ${hasWork(work.store, 'files', ['$1', '$2'])}`,
    values: [
      ...parametersOf(work, file),
      stored.sha256,
      stored.bytes,
      stored.location,
      stored.fileName ?? null,
      stored.mimeType ?? null,
    ],
  });
  return rowCount === 1;
}

/** Records that a body could not be fetched. @param rest milliseconds until the next try. @throws Failure */
export async function fileFailed(
  work: FileWork,
  file: WaitingFile,
  { code, message }: { readonly code: string; readonly message: string },
  rest: number,
): Promise<void> {
  const files = qualifiedName(work.store.schema, 'files');
  await statement(work.pool, {
    text: `UPDATE ${files} SET attempts = attempts + 1, error_code = $7, error_message = $8,
                  next_attempt_at = clock_timestamp() + make_interval(secs => $9)
            WHERE ${IS_FILE} AND ${hasWork(work.store, 'files', ['$1', '$2'])}`,
    values: [...parametersOf(work, file), code, message, rest / 1000],
  });
}

/** How the bodies of an environment fare. */
export interface FileCounts {
  readonly stored: number;
  /** Bodies that wait, without those that failed. */
  readonly waiting: number;
  readonly failed: number;
}

/** @param tables absent: all. @throws Failure */
export async function countFiles(
  { pool }: Pick<FileWork, 'pool'>,
  store: StateStore,
  tables?: readonly string[],
): Promise<FileCounts> {
  const files = qualifiedName(store.schema, 'files');
  const { rows } = await statement<Record<keyof FileCounts, number>>(pool, {
    text: `SELECT count(*) FILTER (WHERE sha256 IS NOT NULL AND deleted_at IS NULL)::int AS stored,
                  count(*) FILTER (WHERE sha256 IS NULL AND error_code IS NULL)::int AS waiting,
                  count(*) FILTER (WHERE sha256 IS NULL AND error_code IS NOT NULL)::int AS failed
             FROM ${files} WHERE environment_id = $1 AND ($2::text[] IS NULL OR "table" = ANY ($2))`,
    values: [store.environmentId, tables ?? null],
  });
  return rows[0] ?? { stored: 0, waiting: 0, failed: 0 };
}
