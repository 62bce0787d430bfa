import type pg from 'pg';
import { inSavepoint } from '../connection/postgres.ts';
import { isRowError, type PostgresError } from '../connection/sqlstate.ts';
import type { MirrorTable } from '../table/mirror-table.ts';
import { type MergedPieces, namesOf, type RefusedRow, refusalOf } from './merge-pieces.ts';
import { insertStaged, keyColumns, staging, type StagedMode, unstage, updateStaged } from './merge-sql.ts';

/** Rows that are tried together first. If one of them is refused, each is tried by itself. */
const PIECE = 100;

/**
 * Merges the staged rows that a distributed mirror table accepts, after it refused all of them together, and takes the
 * others out of staging. It does what `mergePieces` does, by statements of the client: the place of a row, by which the
 * function there finds rows, means nothing in a distributed table.
 *
 * @param most refused rows: the merge stops after more than these.
 */
export async function mergeSeparately(
  client: pg.PoolClient,
  mirror: MirrorTable,
  mode: StagedMode,
  most: number,
): Promise<MergedPieces> {
  const [key] = keyColumns(mirror);
  const { rows } = await client.query<{ key: string }>(
    `SELECT s.${key}::text AS key FROM ${staging(mirror)} s`,
  );
  const names = await namesOf(client, mirror);
  const isAmong = `s.${key} = ANY ($1::uuid[])`;
  let written = 0;
  const merge = async (keys: readonly string[]): Promise<PostgresError | undefined> => {
    let merged = 0;
    const work = async (): Promise<void> => {
      for (const statement of [
        updateStaged(mirror, mode.rewrite, mode.overUnseen, isAmong),
        insertStaged(mirror, mode.rewrite, mode.overUnseen, isAmong),
      ]) {
        merged += (await client.query(statement, [keys])).rowCount ?? 0;
      }
    };
    const error = await inSavepoint(client, work, isRowError);
    if (error === undefined) written += merged;
    return error;
  };
  let rest = rows.map((row) => row.key);
  let refused: RefusedRow[];
  // A refused row may wait for another row to give up a unique value, so it is tried again while others are accepted.
  for (;;) {
    refused = [];
    for (let at = 0; at < rest.length && refused.length <= most; at += PIECE) {
      const piece = rest.slice(at, at + PIECE);
      if ((await merge(piece)) === undefined) continue;
      for (const one of piece) {
        const error = await merge([one]);
        if (error === undefined) continue;
        const why = { constraint_name: error.constraint ?? null, column_name: error.column ?? null };
        refused.push({ key: one, ...refusalOf({ sqlstate: error.code, ...why }, names) });
      }
    }
    if (refused.length === 0 || refused.length === rest.length || refused.length > most) break;
    rest = refused.map((row) => row.key);
  }
  if (refused.length > 0) await client.query(unstage(mirror, isAmong), [refused.map((row) => row.key)]);
  return { written, refused };
}
