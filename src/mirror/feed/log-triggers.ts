import type pg from 'pg';
import { qualifiedName } from '../table/identifier.ts';
import type { MirrorTable } from '../table/mirror-table.ts';
import {
  dropTriggers,
  findTriggers,
  makeTriggers,
  planTriggers,
  tableArguments,
  type RowTriggers,
} from '../table/row-triggers.ts';
import type { StateStore } from '../state/store.ts';
import { readRememberedLoad } from '../state/remembered-load.ts';
import { LOG_TRIGGERS } from './own-triggers.ts';
import { CHANNEL, LOG_FUNCTION, LOGGED_CHANGES } from './log-functions.ts';

/**
 * What the change log has of a table: `marker`: its changes, and one row in place of a load. `rows`: also the rows of a
 * load. `off`: nothing.
 */
export type FeedWish = 'off' | 'marker' | 'rows';

function logTriggers(store: StateStore, mirror: MirrorTable): RowTriggers {
  return { triggers: LOG_TRIGGERS, calls: LOG_FUNCTION, parameters: tableArguments(store, mirror) };
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
 */
export async function prepareLog(
  client: pg.PoolClient,
  store: StateStore,
  mirror: MirrorTable,
  wish: FeedWish,
  { created, hasRows, rewritten }: PreparedRows,
): Promise<void> {
  const { found, complete } = await findTriggers(client, store, mirror, logTriggers(store, mirror));
  if (wish === 'off' || (wish === 'marker' && created)) {
    if (found > 0) await dropTriggers(client, mirror.qualified, LOG_TRIGGERS);
    return;
  }
  if (complete) {
    if (rewritten) await writeMarker(client, store, mirror);
    return;
  }
  const { phase } = await readRememberedLoad(store.on(client), mirror.table.logicalName);
  const isLoaded = !created && (phase === 'delta' || phase === 'rebaseline');
  const logsLoad = wish === 'rows' && !hasRows;
  // The triggers come with the last page of the load.
  if (!isLoaded && !logsLoad) return;
  await makeTriggers(client, store, mirror, logTriggers(store, mirror));
  // A table that was never loaded is not in the log, so nobody has rows of it.
  if (isLoaded || phase !== 'new') await writeMarker(client, store, mirror);
}

/** See `planTriggers`. */
export async function planLog(
  client: pg.ClientBase,
  store: StateStore | undefined,
  mirror: MirrorTable,
  wish: FeedWish,
): Promise<'begin' | 'end' | null> {
  return planTriggers(client, store, mirror, logTriggers, wish !== 'off');
}

/** Makes the triggers, and the marker from which on the log is complete. @param client in a transaction. */
export async function beginLog(client: pg.ClientBase, store: StateStore, mirror: MirrorTable): Promise<void> {
  await makeTriggers(client, store, mirror, logTriggers(store, mirror));
  await writeMarker(client, store, mirror);
}

/** Writes that a consumer has to take the table as it is now. */
export async function writeMarker(
  client: pg.ClientBase,
  store: StateStore,
  { table }: MirrorTable,
): Promise<void> {
  await client.query(
    `WITH marker AS (
       INSERT INTO ${qualifiedName(store.schema, LOGGED_CHANGES)} (environment_id, table_name, operation) VALUES ($1, $2, 'b')
       RETURNING table_name)
     SELECT pg_notify('${CHANNEL}', table_name) FROM marker`,
    [store.environmentId, table.logicalName],
  );
}
