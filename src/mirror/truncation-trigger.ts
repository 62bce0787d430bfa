import type pg from 'pg';
import { qualifiedName, quoteLiteral } from './identifier.ts';
import type { MirrorTable } from './mirror-table.ts';
import type { StateStore } from './state/store.ts';
import { endVacuum, STRONG_LOCK_TIMEOUT } from './strong-lock.ts';

/** Name of the trigger on every mirror table. */
const TRIGGER = 'mirrorverse_truncated';

/**
 * Has the state hear of it when the mirror table is truncated, which nothing else tells: the table, its
 * columns and its link are as before. The function is made by a migration; a state schema that is
 * dropped takes the triggers with it, so each look at a mirror table makes sure of its own.
 *
 * @param client in a transaction; the lock that it takes lets readers go on.
 */
export async function ensureTruncationTrigger(
  client: pg.ClientBase,
  store: StateStore,
  mirror: MirrorTable,
): Promise<void> {
  const parameters = [store.schema, String(store.environmentId), mirror.table.logicalName];
  const { rowCount } = await client.query(
    'SELECT FROM pg_trigger WHERE tgrelid = $1::regclass AND tgname = $2 AND tgargs = $3',
    // PostgreSQL keeps them with a zero byte after each.
    [mirror.qualified, TRIGGER, Buffer.from(parameters.map((text) => `${text}\0`).join(''))],
  );
  if (rowCount !== 0) return;
  await endVacuum(client, mirror.qualified);
  await client.query(`SET LOCAL lock_timeout = ${STRONG_LOCK_TIMEOUT}`);
  await client.query(
    `CREATE OR REPLACE TRIGGER ${TRIGGER} BEFORE TRUNCATE ON ${mirror.qualified} FOR EACH STATEMENT
      EXECUTE FUNCTION ${qualifiedName(store.schema, 'forget_truncated')}(${parameters.map(quoteLiteral).join(', ')})`,
  );
  await client.query('SET LOCAL lock_timeout = DEFAULT');
}
