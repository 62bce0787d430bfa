import type { MirrorDatabase } from '../../mirror/database.ts';
import { findState } from '../../mirror/state/environments.ts';
import { readContestedTables } from '../../mirror/state/settings-conflict.ts';
import { bad, type Finding } from './finding.ts';

/**
 * Finds tables that several processes mirror with different settings. Each process undoes what the other
 * one does, and loads the table anew.
 *
 * @returns nothing if there is no such table, or no state.
 */
export async function checkSettings(database: MirrorDatabase): Promise<Finding[]> {
  const state = await findState(database);
  if (state === undefined) return [];
  const contested = await readContestedTables(state.store);
  return contested.map(({ table, holders: [here, there], differences }) =>
    bad(
      `table.${table}.settings`,
      `table ${table}`,
      `is mirrored in turns by ${here} and by ${there}, with different settings: ${differences.join('; ')}`,
      'Give both processes the same settings for the table, or stop one of them. This finding stays for an hour after that.',
      'settings-differ',
    ),
  );
}
