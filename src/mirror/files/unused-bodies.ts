import type pg from 'pg';
import { statement } from '../connection/postgres.ts';
import type { StateStore } from '../state/store.ts';
import { qualifiedName } from '../table/identifier.ts';
import { hasWork } from '../lease/sole-work.ts';
import type { FileWork } from './file-queue.ts';

export interface UnusedBody {
  readonly location: string;
  readonly sha256: string;
}

/** Bodies in one answer. */
const MOST = 100;

/**
 * Bodies that no entry needs. A body that an entry has needed again since is left out, and is not listed any more.
 *
 * @param root bodies elsewhere are left alone: nothing is configured for that place.
 * @returns undefined if another process works on bodies. @throws Failure
 */
export async function unusedBodies(
  { pool, store, holder }: FileWork,
  root: string,
): Promise<UnusedBody[] | undefined> {
  const unused = qualifiedName(store.schema, 'unused_bodies');
  const { rows } = await statement<Partial<UnusedBody>>(pool, {
    text: `WITH needed AS (DELETE FROM ${unused} u WHERE u.environment_id = $1 AND ${hasWork(store, 'files', ['$1', '$2'])}
                              AND EXISTS (SELECT FROM ${qualifiedName(store.schema, 'files')} f WHERE f.location = u.location)
                           RETURNING u.location)
           SELECT u.location, u.sha256 FROM (SELECT ${hasWork(store, 'files', ['$1', '$2'])} AS mine) turn
             LEFT JOIN LATERAL (SELECT location, sha256 FROM ${unused} WHERE environment_id = $1 AND starts_with(location, $3)
                AND location NOT IN (SELECT location FROM needed) ORDER BY since LIMIT ${MOST}) u ON true
            WHERE turn.mine`,
    values: [store.environmentId, holder, `${root}/`],
  });
  if (rows.length === 0) return undefined;
  return rows.flatMap(({ location, sha256 }) =>
    typeof location === 'string' && typeof sha256 === 'string' ? [{ location, sha256 }] : [],
  );
}

/** How many bodies nothing needs that are not removed yet. @throws Failure */
export async function countUnused({ pool, store }: Pick<FileWork, 'pool' | 'store'>): Promise<number> {
  const { rows } = await statement<{ count: number }>(pool, {
    text: `SELECT count(*)::int AS count FROM ${qualifiedName(store.schema, 'unused_bodies')} u WHERE u.environment_id = $1
              AND NOT EXISTS (SELECT FROM ${qualifiedName(store.schema, 'files')} f WHERE f.location = u.location)`,
    values: [store.environmentId],
  });
  return rows[0]?.count ?? 0;
}

/** Records that a body is removed. @throws Failure */
export async function bodyRemoved({ pool, store }: FileWork, { location }: UnusedBody): Promise<void> {
  await statement(pool, {
    text: `DELETE FROM ${qualifiedName(store.schema, 'unused_bodies')} WHERE environment_id = $1 AND location = $2`,
    values: [store.environmentId, location],
  });
}

/** Records that a body may be unused. @throws Failure */
export async function bodyUnused({ pool, store }: FileWork, { location, sha256 }: UnusedBody): Promise<void> {
  await statement(pool, {
    text: `INSERT INTO ${qualifiedName(store.schema, 'unused_bodies')} (environment_id, location, sha256)
           VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
    values: [store.environmentId, location, sha256],
  });
}

/** Which entries of a table to remove. */
export interface DroppedFiles {
  readonly table: string;
  /** Only those of one row. */
  readonly key?: string;
  /** Only those that no row of the mirror names any more. */
  readonly deletedAlone?: boolean;
  /** Only those that still wait. */
  readonly waitingAlone?: boolean;
}

/** Removes entries, in the caller's transaction; a process that works on bodies then removes the bodies. @returns how many. */
export async function dropFiles(
  client: pg.ClientBase,
  store: StateStore,
  { table, key, deletedAlone = false, waitingAlone = false }: DroppedFiles,
): Promise<number> {
  const files = qualifiedName(store.schema, 'files');
  const { rows } = await client.query<{ removed: number }>(
    `WITH removed AS (DELETE FROM ${files} WHERE environment_id = $1 AND "table" = $2 AND ($3::uuid IS NULL OR key = $3)
                         AND (deleted_at IS NOT NULL OR NOT $4) AND (sha256 IS NULL OR NOT $5) RETURNING location, sha256),
          due AS (INSERT INTO ${qualifiedName(store.schema, 'unused_bodies')} (environment_id, location, sha256)
                  SELECT DISTINCT $1::int, location, sha256 FROM removed WHERE sha256 IS NOT NULL ON CONFLICT DO NOTHING)
     SELECT count(*)::int AS removed FROM removed`,
    [store.environmentId, table, key ?? null, deletedAlone, waitingAlone],
  );
  return rows[0]?.removed ?? 0;
}
