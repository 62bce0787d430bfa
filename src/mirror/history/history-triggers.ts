import type pg from 'pg';
import type { PreparedRows } from '../feed/log-triggers.ts';
import { HISTORY_TRIGGERS } from '../feed/own-triggers.ts';
import { readRememberedLoad } from '../state/remembered-load.ts';
import type { StateStore } from '../state/store.ts';
import { qualifiedName, quoteIdentifier } from '../table/identifier.ts';
import { columnName, type MirrorTable } from '../table/mirror-table.ts';
import {
  dropTriggers,
  findTriggers,
  lockForTriggers,
  makeTriggers,
  planTriggers,
  tableArguments,
  type RowTriggers,
} from '../table/row-triggers.ts';
import { ensureAsOfFunctions } from './as-of-functions.ts';
import { COMPARE_FUNCTION, RECORD_FUNCTION } from './history-functions.ts';
import { type HistoryPlace, historyPlace } from './history-names.ts';
import { ensureHistory, findHistory } from './history-table.ts';

function placeOf({ schema, table }: MirrorTable): HistoryPlace {
  return historyPlace(schema, table.logicalName);
}

function historyTriggers(store: StateStore, mirror: MirrorTable): RowTriggers {
  return {
    triggers: HISTORY_TRIGGERS,
    calls: RECORD_FUNCTION,
    parameters: [...tableArguments(store, mirror), placeOf(mirror).schema],
  };
}

/**
 * Brings the history of a mirror table in step with the configuration, in the transaction of its preparation.
 *
 * A loaded table gets its triggers now, and its history the rows that are there, in the same transaction. So a history
 * with triggers is complete. Readers of the mirror table notice nothing, and the next page waits. A table that is yet to
 * be loaded gets both with the last page of the load. A history that is turned off stays as it is.
 */
export async function prepareHistory(
  client: pg.PoolClient,
  store: StateStore,
  mirror: MirrorTable,
  isWanted: boolean,
  { created, rewritten }: PreparedRows,
): Promise<void> {
  const wanted = historyTriggers(store, mirror);
  const { found, complete } = await findTriggers(client, store, mirror, wanted);
  if (found > 0 && (!isWanted || created)) await dropTriggers(client, mirror.qualified, HISTORY_TRIGGERS);
  if (!isWanted) return;
  const place = placeOf(mirror);
  const isReshaped = await ensureHistory(client, mirror, place);
  await ensureAsOfFunctions(client, mirror, place);
  if (created) return;
  if (complete && !isReshaped && !rewritten) return;
  const { phase } = await readRememberedLoad(store.on(client), mirror.table.logicalName);
  if (!complete && phase !== 'delta' && phase !== 'rebaseline') return;
  await beginHistory(client, store, mirror);
}

/** Makes the triggers, and gives the history what it lacks of the rows. @param client in a transaction. */
export async function beginHistory(
  client: pg.ClientBase,
  store: StateStore,
  mirror: MirrorTable,
): Promise<void> {
  const { records } = placeOf(mirror);
  await lockForTriggers(client, mirror);
  await makeTriggers(client, store, mirror, historyTriggers(store, mirror));
  const [environment, ...names] = tableArguments(store, mirror);
  await client.query(
    `SELECT ${qualifiedName(store.schema, COMPARE_FUNCTION)}($1::regclass, $2::regclass, $3::integer, $4, $5, $6, $7)`,
    [mirror.qualified, records, environment, ...names],
  );
  // Without statistics, the next pages would be planned for a small history. Those of all columns take seconds.
  await client.query(`ANALYZE ${records} (${columnName(mirror, mirror.keyField)}, _valid_to)`);
}

/**
 * Drops columns of a history whose values must not be kept in the clear any more, whether the history is on or off.
 *
 * @param columns their names, unquoted.
 */
export async function dropFromHistory(
  client: pg.ClientBase,
  mirror: MirrorTable,
  columns: readonly string[],
): Promise<void> {
  const place = placeOf(mirror);
  if (columns.length === 0 || (await findHistory(client, place)) !== 'ours') return;
  const drops = columns.map((name) => `DROP COLUMN IF EXISTS ${quoteIdentifier(name)}`);
  await client.query(`ALTER TABLE ${place.records} ${drops.join(', ')}`);
}

/** See `planTriggers`. */
export async function planHistory(
  client: pg.ClientBase,
  store: StateStore | undefined,
  mirror: MirrorTable,
  isWanted: boolean,
): Promise<'begin' | 'end' | null> {
  return planTriggers(client, store, mirror, historyTriggers, isWanted);
}
