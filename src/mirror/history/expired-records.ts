import type pg from 'pg';
import { transaction } from '../connection/postgres.ts';
import { STRONG_LOCK_TIMEOUT } from '../connection/strong-lock.ts';
import type { HistoryPlace } from './history-names.ts';
import { findHistory } from './history-table.ts';

/** How the history of a table is kept. */
export interface HistoryWish {
  /** Milliseconds for which records are kept after they have ended; absent: for ever. */
  readonly keep?: number;
}

/** Records that one transaction deletes. A long transaction would keep the consumers of the change log waiting. */
const BATCH = 5_000;

/**
 * Deletes the records that ended more than `keep` milliseconds ago, in small transactions. Open records stay, whatever their
 * age.
 *
 * @returns how many records were deleted.
 */
export async function expireHistory(
  pool: pg.Pool,
  place: HistoryPlace,
  keep: number,
  signal: AbortSignal,
): Promise<number> {
  const { records } = place;
  let deleted = 0;
  for (;;) {
    const batch = await transaction(
      pool,
      async (client) => {
        if ((await findHistory(client, place)) !== 'ours') return 0;
        await client.query(`SET LOCAL lock_timeout = ${STRONG_LOCK_TIMEOUT}`);
        const { rowCount } = await client.query(
          `DELETE FROM ${records} WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM ${records} WHERE _valid_to < now() - make_interval(secs => $1) ORDER BY _valid_to LIMIT ${BATCH} FOR UPDATE SKIP LOCKED))`,
          [keep / 1_000],
        );
        return rowCount ?? 0;
      },
      signal,
    );
    deleted += batch;
    if (batch < BATCH) return deleted;
  }
}
