import type pg from 'pg';
import { qualifiedName, quoteLiteral, shortenIdentifier } from '../table/identifier.ts';
import type { MirrorTable } from '../table/mirror-table.ts';
import type { StateStore } from '../state/store.ts';
import { readRememberedLoad } from '../state/remembered-load.ts';
import { endVacuum, STRONG_LOCK_TIMEOUT, WITHOUT_LOCK_TIMEOUT } from '../connection/strong-lock.ts';
import { LOG_TRIGGERS, OWN_TRIGGERS } from './own-triggers.ts';
import { CHANGES, CHANNEL, LOG_FUNCTION } from './log-functions.ts';

/**
 * What the change log has of a table: `marker`: its changes, and one row in place of a load. `rows`: also the rows of a
 * load. `off`: nothing.
 */
export type FeedWish = 'off' | 'marker' | 'rows';

/** The arguments of the triggers: environment, table, and the columns of key, partition and version. */
function parametersOf(store: StateStore, { table, columns, ...at }: MirrorTable): readonly string[] {
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

/** How many of the triggers are there, and how many of them are as they must be. */
async function readTriggers(
  client: pg.ClientBase,
  store: StateStore,
  mirror: MirrorTable,
): Promise<{ readonly found: number; readonly right: number }> {
  const stored = Buffer.from(
    parametersOf(store, mirror)
      .map((text) => `${text}\0`)
      .join(''),
  );
  const { rows } = await client.query<{ found: number; right: number }>(
    `SELECT count(*)::int AS found,
            (count(*) FILTER (WHERE tgargs = $3 AND tgenabled = 'A' AND tgfoid = to_regproc($4)))::int AS right
       FROM pg_trigger WHERE tgrelid = $1::regclass AND tgname = ANY ($2)`,
    [
      mirror.qualified,
      LOG_TRIGGERS.map(({ name }) => name),
      stored,
      qualifiedName(store.schema, LOG_FUNCTION),
    ],
  );
  return rows[0] ?? { found: 0, right: 0 };
}

/** What a preparation has found out about a mirror table. */
export interface PreparedRows {
  /** The mirror table is new, or its rows are gone. A load comes. */
  readonly created: boolean;
  readonly hasRows: boolean;
  /** Values of existing rows have changed without a change of rows, by ALTER TABLE. */
  readonly rewritten: boolean;
}

/**
 * Brings the triggers of a mirror table in step with the configuration, in the transaction of its preparation.
 *
 * A table that is loaded without its rows in the log gets its triggers only with the last page of the load, so the load
 * costs nothing. A table that has been loaded gets them now, and a marker with them: from there on the log is complete.
 *
 * @param phase of the table before this preparation.
 */
export async function prepareLog(
  client: pg.PoolClient,
  store: StateStore,
  mirror: MirrorTable,
  wish: FeedWish,
  { created, hasRows, rewritten }: PreparedRows,
): Promise<void> {
  const { found, right } = await readTriggers(client, store, mirror);
  if (wish === 'off' || (wish === 'marker' && created)) {
    if (found > 0) await dropLogTriggers(client, mirror);
    return;
  }
  if (right === LOG_TRIGGERS.length) {
    if (rewritten) await writeMarker(client, store, mirror);
    return;
  }
  const { phase } = await readRememberedLoad(store.on(client), mirror.table.logicalName);
  const isLoaded = !created && (phase === 'delta' || phase === 'rebaseline');
  const logsLoad = wish === 'rows' && !hasRows;
  // The triggers come with the last page of the load.
  if (!isLoaded && !logsLoad) return;
  await makeTriggers(client, store, mirror);
  // A table that was never loaded is not in the log, so nobody has rows of it.
  if (isLoaded || phase !== 'new') await writeMarker(client, store, mirror);
}

/**
 * Keeps the writers of others away until the transaction ends, so that the triggers can be made at its end. Without
 * it, a writer that waits for one of our rows and the triggers that wait for that writer would end each other.
 */
export async function lockForTriggers(client: pg.ClientBase, mirror: MirrorTable): Promise<void> {
  await endVacuum(client, mirror.qualified);
  await client.query(`SET LOCAL lock_timeout = ${STRONG_LOCK_TIMEOUT}`);
  await client.query(`LOCK TABLE ${mirror.qualified} IN SHARE ROW EXCLUSIVE MODE`);
  await client.query(WITHOUT_LOCK_TIMEOUT);
}

/** Makes the triggers, and the marker from which on the log is complete. @param client in a transaction. */
export async function beginLog(client: pg.ClientBase, store: StateStore, mirror: MirrorTable): Promise<void> {
  await makeTriggers(client, store, mirror);
  await writeMarker(client, store, mirror);
}

/**
 * Each event has a trigger of its own, because PostgreSQL gives changed rows only to triggers with one event. The
 * triggers also fire in sessions that replay changes of another server (`session_replication_role`).
 */
async function makeTriggers(client: pg.ClientBase, store: StateStore, mirror: MirrorTable): Promise<void> {
  const parameters = parametersOf(store, mirror).map(quoteLiteral).join(', ');
  const log = qualifiedName(store.schema, LOG_FUNCTION);
  await lockForTriggers(client, mirror);
  for (const { name, event, rows } of LOG_TRIGGERS) {
    await client.query(
      `CREATE OR REPLACE TRIGGER ${name} AFTER ${event} ON ${mirror.qualified} REFERENCING ${rows}
         FOR EACH STATEMENT EXECUTE FUNCTION ${log}(${parameters});
       ALTER TABLE ${mirror.qualified} ENABLE ALWAYS TRIGGER ${name}`,
    );
  }
}

/** Drops the triggers. Readers of the mirror table have to wait for this short moment. */
export async function dropLogTriggers(
  client: pg.ClientBase,
  { qualified }: Pick<MirrorTable, 'qualified'>,
): Promise<void> {
  await endVacuum(client, qualified);
  await client.query(`SET LOCAL lock_timeout = ${STRONG_LOCK_TIMEOUT}`);
  for (const { name } of LOG_TRIGGERS) await client.query(`DROP TRIGGER IF EXISTS ${name} ON ${qualified}`);
  await client.query(WITHOUT_LOCK_TIMEOUT);
}

/** Drops the triggers of a mirror table that may not exist. */
export async function dropLogTriggersOf(client: pg.ClientBase, schema: string, table: string): Promise<void> {
  const qualified = qualifiedName(schema, shortenIdentifier(table));
  const found = await client.query(
    `SELECT FROM pg_trigger WHERE tgrelid = to_regclass($1) AND tgname IN (${OWN_TRIGGERS})`,
    [qualified],
  );
  if ((found.rowCount ?? 0) > 0) await dropLogTriggers(client, { qualified });
}

/** Writes that a consumer has to take the table as it is now. */
async function writeMarker(client: pg.ClientBase, store: StateStore, { table }: MirrorTable): Promise<void> {
  await client.query(
    `WITH marker AS (
       INSERT INTO ${qualifiedName(store.schema, CHANGES)} (environment_id, table_name, operation) VALUES ($1, $2, 'b')
       RETURNING table_name)
     SELECT pg_notify('${CHANNEL}', table_name) FROM marker`,
    [store.environmentId, table.logicalName],
  );
}
