import type pg from 'pg';
import { endVacuum, STRONG_LOCK_TIMEOUT, WITHOUT_LOCK_TIMEOUT } from '../connection/strong-lock.ts';
import { HISTORY_TRIGGERS, LOG_TRIGGERS, OWN_TRIGGERS, type OwnTrigger } from '../feed/own-triggers.ts';
import type { StateStore } from '../state/store.ts';
import { qualifiedName, quoteLiteral } from './identifier.ts';
import type { MirrorTable } from './mirror-table.ts';

/** Triggers of ours on one mirror table, and what they call. */
export interface RowTriggers {
  readonly triggers: readonly OwnTrigger[];
  /** The function that they call, in the state schema. */
  readonly calls: string;
  /** The arguments that the function gets. */
  readonly parameters: readonly string[];
}

/** The arguments that say which table it is: environment, table, and the columns of key, partition and version. */
export function tableArguments(
  store: StateStore,
  { table, columns, ...at }: MirrorTable,
): [environment: string, table: string, key: string, partition: string, version: string] {
  const name = (field: number | undefined): string =>
    field === undefined ? '' : (columns[field]?.identifier ?? '');
  return [
    String(store.environmentId),
    table.logicalName,
    name(at.keyField),
    name(at.partitionField),
    name(at.versionField),
  ];
}

/** How many of the triggers are there, and whether all of them are as they must be. */
export async function findTriggers(
  client: pg.ClientBase,
  store: StateStore,
  { qualified }: MirrorTable,
  { triggers, calls, parameters }: RowTriggers,
): Promise<{ readonly found: number; readonly complete: boolean }> {
  const stored = Buffer.from(parameters.map((text) => `${text}\0`).join(''));
  const { rows } = await client.query<{ found: number; right: number }>(
    `SELECT count(*)::int AS found,
            (count(*) FILTER (WHERE tgargs = $3 AND tgenabled = 'A' AND tgfoid = to_regproc($4)))::int AS right
       FROM pg_trigger WHERE tgrelid = to_regclass($1) AND tgname = ANY ($2)`,
    [qualified, triggers.map(({ name }) => name), stored, qualifiedName(store.schema, calls)],
  );
  const { found, right } = rows[0] ?? { found: 0, right: 0 };
  return { found, complete: right === triggers.length };
}

/**
 * What a preparation would do to triggers; null if they stay on or off. It makes all of them anew if any of them is not as
 * it must be.
 *
 * @param store undefined if there is no state yet, and so no trigger.
 */
export async function planTriggers(
  client: pg.ClientBase,
  store: StateStore | undefined,
  mirror: MirrorTable,
  triggersOf: (store: StateStore, mirror: MirrorTable) => RowTriggers,
  isWanted: boolean,
): Promise<'begin' | 'end' | null> {
  const { found, complete } =
    store === undefined
      ? { found: 0, complete: false }
      : await findTriggers(client, store, mirror, triggersOf(store, mirror));
  if (isWanted) return complete ? null : 'begin';
  return found > 0 ? 'end' : null;
}

/**
 * Keeps the writers of others away until the transaction ends, so that the triggers can be made at its end. Without
 * it, a writer that waits for one of our rows and the triggers that wait for that writer would end each other.
 */
export async function lockForTriggers(
  client: pg.ClientBase,
  { qualified }: Pick<MirrorTable, 'qualified'>,
): Promise<void> {
  await endVacuum(client, qualified);
  await client.query(`SET LOCAL lock_timeout = ${STRONG_LOCK_TIMEOUT}`);
  await client.query(`LOCK TABLE ${qualified} IN SHARE ROW EXCLUSIVE MODE`);
  await client.query(WITHOUT_LOCK_TIMEOUT);
}

/** Makes the triggers. They also fire in sessions that replay changes of another server (`session_replication_role`). */
export async function makeTriggers(
  client: pg.ClientBase,
  store: StateStore,
  { qualified }: MirrorTable,
  { triggers, calls, parameters }: RowTriggers,
): Promise<void> {
  const called = `${qualifiedName(store.schema, calls)}(${parameters.map(quoteLiteral).join(', ')})`;
  await lockForTriggers(client, { qualified });
  for (const { name, event, rows } of triggers) {
    await client.query(
      `CREATE OR REPLACE TRIGGER ${name} AFTER ${event} ON ${qualified} REFERENCING ${rows}
         FOR EACH STATEMENT EXECUTE FUNCTION ${called};
       ALTER TABLE ${qualified} ENABLE ALWAYS TRIGGER ${name}`,
    );
  }
}

/** Drops the triggers. Readers of the mirror table have to wait for this short moment. */
export async function dropTriggers(
  client: pg.ClientBase,
  qualified: string,
  triggers: readonly OwnTrigger[],
): Promise<void> {
  await endVacuum(client, qualified);
  await client.query(`SET LOCAL lock_timeout = ${STRONG_LOCK_TIMEOUT}`);
  for (const { name } of triggers) await client.query(`DROP TRIGGER IF EXISTS ${name} ON ${qualified}`);
  await client.query(WITHOUT_LOCK_TIMEOUT);
}

/** Drops our triggers on changes of rows of a mirror table that may not exist. */
export async function dropOwnTriggers(client: pg.ClientBase, qualified: string): Promise<void> {
  const found = await client.query(
    `SELECT FROM pg_trigger WHERE tgrelid = to_regclass($1) AND tgname IN (${OWN_TRIGGERS})`,
    [qualified],
  );
  if ((found.rowCount ?? 0) > 0)
    await dropTriggers(client, qualified, [...LOG_TRIGGERS, ...HISTORY_TRIGGERS]);
}
