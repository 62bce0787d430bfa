import type { StateStore } from '../state/store.ts';
import { statement } from '../connection/postgres.ts';
import type { MirrorDatabase } from '../database.ts';
import { qualifiedName } from '../table/identifier.ts';

/** The bodies of one environment, as one process works on them. */
export interface FileWork extends MirrorDatabase {
  readonly store: StateStore;
  /** The name of this process. */
  readonly holder: string;
}

/**
 * Takes or keeps the right to fetch and remove bodies, by the clock of the database. Only one process has it: another one
 * could remove a body at the moment in which this one finds it there.
 *
 * @param duration milliseconds until another process may have it.
 * @returns whether this process has it. @throws Failure
 */
export async function takeFileTurn({ pool, store, holder }: FileWork, duration: number): Promise<boolean> {
  const turns = qualifiedName(store.schema, 'file_turns');
  const { rowCount } = await statement(pool, {
    text: `INSERT INTO ${turns} AS t (environment_id, holder, expires_at)
           VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3))
           ON CONFLICT (environment_id) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
            WHERE t.holder = excluded.holder OR t.expires_at < clock_timestamp()`,
    values: [store.environmentId, holder, duration / 1000],
  });
  return rowCount === 1;
}

/** Lets another process work at once. @throws what `pg` throws */
export async function leaveFileTurn({ pool, store, holder }: FileWork): Promise<void> {
  const turns = qualifiedName(store.schema, 'file_turns');
  await statement(pool, {
    text: `DELETE FROM ${turns} WHERE environment_id = $1 AND holder = $2`,
    values: [store.environmentId, holder],
  });
}

/** SQL: whether the process still has the turn. @param at the numbers of the parameters: environment and holder. */
export function hasTurn(store: StateStore, [environment, holder]: readonly [string, string]): string {
  return `EXISTS (SELECT FROM ${qualifiedName(store.schema, 'file_turns')}
                   WHERE environment_id = ${environment} AND holder = ${holder} AND expires_at > clock_timestamp())`;
}
