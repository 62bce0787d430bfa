import { z } from 'zod';
import { Failure } from '../../model/failure.ts';
import type { DataverseClient } from '../http/client.ts';

const counts = z.object({
  EntityRecordCountCollection: z.object({ Keys: z.array(z.string()), Values: z.array(z.number()) }),
});

/** Tables that one request names. */
export const COUNTED_TOGETHER = 25;

/**
 * Reads about how many rows tables have. RetrieveTotalRecordCount answers from a snapshot that may be a day
 * old. Tables that it does not count are missing from the result.
 */
export async function readRecordCounts(
  client: DataverseClient,
  tables: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const batches: Promise<[string, number][]>[] = [];
  for (let at = 0; at < tables.length; at += COUNTED_TOGETHER) {
    batches.push(countBatch(client, tables.slice(at, at + COUNTED_TOGETHER), signal));
  }
  return new Map((await Promise.all(batches)).flat());
}

async function countBatch(
  client: DataverseClient,
  tables: readonly string[],
  signal: AbortSignal,
): Promise<[string, number][]> {
  const names = tables.map((table) => `'${table}'`).join(',');
  const url = `RetrieveTotalRecordCount(EntityNames=[${names}])`;
  try {
    const answer = counts.safeParse(await client.getJson({ url, priority: 'metadata' }, signal));
    if (!answer.success) return [];
    const { Keys, Values } = answer.data.EntityRecordCountCollection;
    return Keys.flatMap((table, at) => {
      const count = Values[at];
      return count === undefined ? [] : [[table, count] as [string, number]];
    });
  } catch (error) {
    // A table that cannot be counted fails its whole batch. The counts are not worth further requests.
    if (error instanceof Failure && error.reaction !== 'retry') return [];
    throw error;
  }
}
