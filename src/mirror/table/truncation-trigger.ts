import type pg from 'pg';
import { qualifiedName, quoteLiteral } from './identifier.ts';
import type { MirrorTable } from './mirror-table.ts';
import { withPartitions } from './partitions/with-partitions.ts';
import type { StateStore } from '../state/store.ts';
import { endVacuum, STRONG_LOCK_TIMEOUT, WITHOUT_LOCK_TIMEOUT } from '../connection/strong-lock.ts';

/** Name of the trigger on every mirror table. */
export const TRIGGER = 'mirrorverse_truncated';
/** Name of the function that the trigger calls, in the state schema. */
export const TRUNCATED = 'forget_truncated';

/** The arguments that a mirror table's trigger was made with. */
function parametersOf(store: StateStore, table: string): readonly string[] {
  return [store.schema, String(store.environmentId), table];
}

/** The same arguments as PostgreSQL stores them, with a zero byte after each. */
export function guardArguments(store: StateStore, table: string): Buffer {
  return Buffer.from(
    parametersOf(store, table)
      .map((text) => `${text}\0`)
      .join(''),
  );
}

/**
 * Whether a TRUNCATE of the mirror table, and of each of its partitions, would be noticed: the trigger is there, is ours, and always fires,
 * also in sessions that replay changes of another server (`session_replication_role`).
 */
export async function isGuarded(
  client: pg.ClientBase,
  store: StateStore,
  mirror: MirrorTable,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `SELECT FROM (SELECT $1::regclass UNION SELECT relid FROM pg_partition_tree($1::regclass)) AS t (relation)
      WHERE NOT ${IS_GUARDED} LIMIT 1`,
    [
      mirror.qualified,
      TRIGGER,
      guardArguments(store, mirror.table.logicalName),
      qualifiedName(store.schema, TRUNCATED),
    ],
  );
  return rowCount === 0;
}

/** SQL: whether table `t.relation` has our trigger. TRUNCATE of a partition fires no trigger of its table. */
const IS_GUARDED = `EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = t.relation AND g.tgname = $2 AND g.tgargs = $3
        AND g.tgenabled = 'A' AND g.tgfoid = to_regproc($4))`;

/**
 * Makes the state notice a TRUNCATE of the mirror table. Nothing else would show it: the table, its columns
 * and its link stay the same. A migration creates the function. Dropping the state schema drops the triggers
 * too, so each preparation checks the trigger of its table.
 *
 * @param client in a transaction. Readers go on during the lock that it takes.
 */
export async function ensureTruncationTrigger(
  client: pg.ClientBase,
  store: StateStore,
  mirror: MirrorTable,
): Promise<void> {
  // Citus refuses triggers on distributed tables. Verification finds the rows that are missing.
  if (mirror.distributed !== undefined || (await isGuarded(client, store, mirror))) return;
  const parameters = parametersOf(store, mirror.table.logicalName).map(quoteLiteral).join(', ');
  await endVacuum(client, mirror.qualified);
  await client.query(`SET LOCAL lock_timeout = ${STRONG_LOCK_TIMEOUT}`);
  for (const table of await withPartitions(client, mirror.qualified)) {
    await client.query(
      `CREATE OR REPLACE TRIGGER ${TRIGGER} BEFORE TRUNCATE ON ${table} FOR EACH STATEMENT
        EXECUTE FUNCTION ${qualifiedName(store.schema, TRUNCATED)}(${parameters});
       ALTER TABLE ${table} ENABLE ALWAYS TRIGGER ${TRIGGER}`,
    );
  }
  await client.query(WITHOUT_LOCK_TIMEOUT);
}
