import type { Logger } from 'pino';
import { readKnownTables, recordRemoval } from '../../mirror/state/known-tables.ts';
import type { StateStore } from '../../mirror/state/store.ts';
import { Failure } from '../../model/failure.ts';
import { isMeantByPattern, type Resolution, type TableChoice, type TableEntry } from './table-resolution.ts';

/**
 * The known tables that a pattern brought and that the environment no longer has. A table that the configuration
 * names exactly is not among them, because its own run fails and says so.
 */
export function removedTables(
  known: readonly string[],
  choice: TableChoice<TableEntry>,
  { tables, excluded, isIncomplete }: Resolution<TableEntry>,
): string[] {
  if (isIncomplete) return [];
  const present = new Set(tables.map(({ name }) => name));
  return known.filter((name) => !present.has(name) && !excluded.has(name) && isMeantByPattern(choice, name));
}

/** Reports each removed table once, in the log and in the state for `status`. The rows of the table stay. */
export async function tellRemoved(
  store: StateStore,
  choice: TableChoice<TableEntry>,
  resolution: Resolution<TableEntry>,
  logger: Logger,
): Promise<void> {
  const known = await readKnownTables(store);
  const untold = known.filter(({ errorCode }) => errorCode !== 'table-removed').map(({ table }) => table);
  for (const table of removedTables(untold, choice, resolution)) {
    const failure = tableRemoved(table);
    await recordRemoval(store, table, failure);
    logger.warn({ table, code: failure.code, remedy: failure.remedy }, failure.message);
  }
}

function tableRemoved(table: string): Failure {
  return new Failure({
    code: 'table-removed',
    message: `The environment no longer has table ${table}. The mirror keeps its rows.`,
    details: { table },
  });
}
