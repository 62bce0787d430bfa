import type pg from 'pg';
import { readEnvironmentRecord } from '../../mirror/environment/environments.ts';
import { readContestedTables } from '../../mirror/environment/settings-seen.ts';
import { openStateStore } from '../../mirror/state/store.ts';
import { bad, type Finding } from './finding.ts';

/**
 * Finds tables that several processes mirror with different settings. Each process undoes what the other
 * one does, and loads the table anew.
 *
 * @returns nothing if there is no such table, or no state.
 */
export async function checkSettings(
  pool: pg.Pool,
  { schema, stateSchema }: { readonly schema: string; readonly stateSchema: string },
): Promise<Finding[]> {
  const environment = await readEnvironmentRecord(pool, stateSchema, schema);
  if (environment === undefined) return [];
  const store = openStateStore(pool, stateSchema, environment.id);
  const contested = await readContestedTables(store);
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
