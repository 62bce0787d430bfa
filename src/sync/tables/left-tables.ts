import { leaveUnpolled } from '../../mirror/lease/polled-elsewhere.ts';
import { readKnownTables, type KnownTable } from '../../mirror/state/known-tables.ts';
import type { StateStore } from '../../mirror/state/store.ts';
import { isMeantByPattern, type TableChoice, type TableEntry } from './table-resolution.ts';

/** Whether the configuration means a known table. A pattern does not bring a table that the environment no longer has. */
export function isConfigured(
  choice: TableChoice<TableEntry>,
  { table, errorCode }: Pick<KnownTable, 'table' | 'errorCode'>,
): boolean {
  if (choice.entries.some(({ name }) => name === table)) return true;
  return errorCode !== 'table-removed' && isMeantByPattern(choice, table);
}

/**
 * Takes note of the tables that have left the configuration while the daemon did not run, so that they do not hold the
 * read point back. A command of one pass does not do that: its configuration may be meant for that pass alone.
 *
 * @throws Failure
 */
export async function leaveOthers(store: StateStore, choice: TableChoice<TableEntry>): Promise<void> {
  const known = await readKnownTables(store);
  const left = known.filter((table) => !isConfigured(choice, table)).map(({ table }) => table);
  await leaveUnpolled(store, left);
}
