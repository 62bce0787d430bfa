import type pg from 'pg';
import { transaction } from '../connection/postgres.ts';
import type { StateFunction } from '../control/state-functions.ts';
import { qualifiedName } from '../table/identifier.ts';

/** The table of batches that webhooks did not take in time, in the state schema. */
export const LETTERS = 'dead_letters';

/** Whose dead letters they are. */
interface LetterPlace {
  readonly pool: pg.Pool;
  readonly stateSchema: string;
  readonly environmentId: number;
  readonly endpoint: string;
}

/** Deletes dead letters of a webhook that are older than so many milliseconds. @throws Failure */
export async function pruneDeadLetters(
  { pool, stateSchema, environmentId, endpoint }: LetterPlace,
  keep: number,
  signal: AbortSignal,
): Promise<void> {
  await transaction(
    pool,
    async (client) =>
      client.query(
        `DELETE FROM ${qualifiedName(stateSchema, LETTERS)} WHERE environment_id = $1 AND endpoint = $2
          AND failed_at < clock_timestamp() - make_interval(secs => $3)`,
        [environmentId, endpoint, keep / 1000],
      ),
    signal,
  );
}

/** The function by which somebody has a dead letter sent once more. */
export function deadLetterFunctions(schema: string): readonly StateFunction[] {
  return [
    {
      name: 'retry_dead_letter',
      types: 'bigint',
      parameters: 'id bigint',
      returns: 'boolean',
      language: 'sql',
      body: `WITH asked AS (
  UPDATE ${qualifiedName(schema, LETTERS)} d SET retry_asked_at = clock_timestamp() WHERE d.id = $1 RETURNING true)
SELECT EXISTS (SELECT FROM asked)`,
    },
  ];
}
