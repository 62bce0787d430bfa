import type { Logger } from 'pino';
import { readKnownTables, recordRemoval } from '../../mirror/environment/known-tables.ts';
import type { StateStore } from '../../mirror/state/store.ts';
import { Failure } from '../../model/failure.ts';
import { isMeantByPattern, type Resolution, type TableChoice, type TableEntry } from './table-resolution.ts';

/**
 * Of the tables known here, those that a pattern would mean but the environment no longer has. Who
 * names a table gets a failing run for an answer; a pattern asks for no table that is not there.
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

/** Tells of a removed table once, in the log and in the state that `status` shows. Its rows stay. */
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
    message: `The environment no longer has table ${table}; its mirrored rows are kept.`,
    details: { table },
  });
}
