import type pg from 'pg';
import { readEnvironmentRecord } from '../../mirror/environment/environments.ts';
import { readContestedTables } from '../../mirror/environment/settings-seen.ts';
import { openStateStore } from '../../mirror/state/store.ts';
import { bad, type Finding } from './finding.ts';

/**
 * Tables that several processes mirror with different settings: each undoes what the other does, and
 * loads the table anew for it.
 *
 * @returns nothing where there are none, or no state.
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
      `is mirrored by ${here} and by ${there} in turns, with different settings: ${differences.join('; ')}`,
      'Give both processes the same settings of the table, or stop one of them. This is told for an hour after.',
      'settings-differ',
    ),
  );
}
