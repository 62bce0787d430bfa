import type pg from 'pg';
import { Failure } from '../../model/failure.ts';
import { dropDetails } from '../audit/detail-store.ts';
import { AUDIT } from '../audit/detail-table.ts';
import { transaction } from '../connection/postgres.ts';
import { STRONG_LOCK_TIMEOUT, WITHOUT_LOCK_TIMEOUT } from '../connection/strong-lock.ts';
import { distributedStaging } from '../citus/citus-statements.ts';
import type { MirrorDatabase } from '../database.ts';
import { seenTables } from '../deletes/seen-keys.ts';
import { and, eq, like, not, sql } from '../drizzle.ts';
import { dropFiles } from '../files/unused-bodies.ts';
import { LABEL_TABLES, VIEWS } from '../labels/label-tables.ts';
import { VIEWS_DUE } from '../labels/label-state.ts';
import { isPolledElsewhere, RECENT_ATTEMPT } from '../lease/polled-elsewhere.ts';
import type { StateStore } from '../state/store.ts';
import { qualifiedName, shortenIdentifier } from '../table/identifier.ts';
import { marksName } from '../table/load-marks.ts';
import { dropUnfinishedMove } from '../table/partitions/moved-table.ts';
import { guardArguments, TRIGGER } from '../table/truncation-trigger.ts';
import { dropScratch, scratchTables } from '../verify/scratch-table.ts';
import { dropViews } from '../views/drop-views.ts';
import { dropOwnTriggers } from '../table/row-triggers.ts';
import { dropHistory } from '../history/dropped-history.ts';
import { historyPlace } from '../history/history-names.ts';
import { ASKED_VIA } from './control-functions.ts';

/** What became of a table that was forgotten. */
export interface ForgottenTable {
  readonly table: string;
  /** Schema and name of the mirror table, if it was dropped; null if it stays or if there was none. */
  readonly dropped: string | null;
}

/** What was forgotten, and which other tables have to get their views anew. */
export interface Forgotten {
  readonly tables: readonly ForgottenTable[];
  readonly viewsDue: readonly string[];
}

/**
 * Removes what the state has of tables, all of them or none: checkpoint, quarantine, runs, catalog, settings,
 * definition, the mark of the load, the keys of a re-baseline under way, and what verifications found. The record of
 * what people asked stays.
 *
 * @param drop also drops the mirror tables with their views and histories, and removes their labels and their files.
 * @throws Failure `lease-held` while a process is writing one of them, or mirrors one; `foreign-table` or `dependent-objects` where a
 *   mirror table or a history cannot be dropped.
 */
export async function forgetTables(
  database: MirrorDatabase,
  store: StateStore,
  names: readonly string[],
  drop: boolean,
): Promise<Forgotten> {
  return transaction(database.pool, async (client) => {
    const inside = store.on(client);
    await inside.db.execute(sql`SELECT set_config(${ASKED_VIA}, 'cli', true)`);
    const tables: ForgottenTable[] = [];
    const viewsDue = new Set<string>();
    for (const table of names) {
      await assertFree(inside, table);
      const dropped = drop ? await dropMirror(client, inside, database.schema, table) : null;
      // Nobody keeps the log and the history of a table that no process mirrors.
      if (!drop) await dropOwnTriggers(client, qualifiedName(database.schema, shortenIdentifier(table)));
      for (const other of dropped?.viewsDue ?? []) viewsDue.add(other);
      await dropFiles(client, inside, { table, waitingAlone: !drop });
      await forgetState(client, inside, database.schema, table);
      tables.push({ table, dropped: dropped?.mirror ?? null });
    }
    const left = [...viewsDue].filter((table) => !names.includes(table));
    return { tables, viewsDue: left };
  });
}

/** Locks the row of a table, so that nobody takes its lease. @throws Failure `lease-held` */
async function assertFree(store: StateStore, table: string): Promise<void> {
  const { tables } = store.tables;
  const [row] = await store.db
    .select({
      isHeld: sql<boolean>`coalesce(${tables.leaseExpiresAt} > clock_timestamp(), false)`,
      isPolled: isPolledElsewhere(store),
    })
    .from(tables)
    .where(and(eq(tables.environmentId, store.environmentId), eq(tables.table, table)))
    .for('update', { skipLocked: true });
  if (row?.isHeld === false && row.isPolled) throw polledElsewhere(table);
  if (row?.isHeld === false) return;
  throw new Failure({
    code: 'lease-held',
    message: `A process is writing table ${table}, so it cannot be forgotten.`,
    remedy: `Let that process end, or stop it: a process that was started before the table left the configuration goes on with it.`,
    details: { table },
  });
}

/** Otherwise the state of a table that another process mirrors would be gone, and it would load the table anew. */
function polledElsewhere(table: string): Failure {
  return new Failure({
    code: 'lease-held',
    message: `Another process mirrors table ${table}: it ran within the last ${RECENT_ATTEMPT / 60} minutes. Nothing was forgotten.`,
    remedy: `Stop that process, or remove ${table} from its configuration. If it has ended already, wait ${RECENT_ATTEMPT / 60} minutes.`,
    details: { table },
  });
}

async function forgetState(
  client: pg.PoolClient,
  store: StateStore,
  schema: string,
  table: string,
): Promise<void> {
  const { tables, runs, columns, settings, definitions, quarantine, commands, nudges } = store.tables;
  const { verified, differences, verifications, valueRounds } = store.tables;
  const proof = [verified, differences, verifications, valueRounds];
  for (const kept of [...proof, runs, columns, settings, definitions, quarantine, nudges, tables]) {
    await store.db
      .delete(kept)
      .where(and(eq(kept.environmentId, store.environmentId), eq(kept.table, table)));
  }
  const { seen, outside } = seenTables(store, table);
  await client.query(`DROP TABLE IF EXISTS ${seen}, ${outside}`);
  await client.query(`DROP TABLE IF EXISTS ${distributedStaging(store.schema, store.environmentId, table)}`);
  await dropScratch(client, scratchTables(store, { table: { logicalName: table } }));
  await deleteFrom(client, marksName(schema), table);
  await store.db
    .insert(commands)
    .values({ environmentId: store.environmentId, table, command: 'forget', askedVia: 'cli' });
}

/** Deletes the rows of a table from one of the tables beside the mirror tables, if there is such a table. */
async function deleteFrom(client: pg.ClientBase, qualified: string, table: string): Promise<void> {
  const { rows } = await client.query<{ found: boolean }>('SELECT to_regclass($1) IS NOT NULL AS found', [
    qualified,
  ]);
  if (rows[0]?.found === true) await client.query(`DELETE FROM ${qualified} WHERE table_name = $1`, [table]);
}

interface DroppedMirror {
  readonly mirror: string | null;
  readonly viewsDue: readonly string[];
}

async function dropMirror(
  client: pg.PoolClient,
  store: StateStore,
  schema: string,
  table: string,
): Promise<DroppedMirror> {
  const identifier = shortenIdentifier(table);
  const qualified = qualifiedName(schema, identifier);
  const isThere = await assertMirror(client, store, qualified, table);
  let viewsDue: string[] = [];
  await dropUnfinishedMove(client, { schema, identifier });
  if (isThere) {
    await client.query(`SET LOCAL lock_timeout = ${STRONG_LOCK_TIMEOUT}`);
    const { dropped, foreign } = await dropViews(client, { schema, table });
    if (foreign.length > 0) throw inTheWay(table, foreign);
    await client.query(`DROP TABLE ${qualified}`);
    await client.query(WITHOUT_LOCK_TIMEOUT);
    viewsDue = await putViewsDue(store, dropped);
  }
  for (const { name } of Object.values(LABEL_TABLES)) {
    await deleteFrom(client, qualifiedName(schema, name), table);
  }
  await dropHistory(client, historyPlace(schema, table), table);
  if (table === AUDIT) await dropDetails(client, store, schema);
  const views = qualifiedName(schema, VIEWS);
  const { rows } = await client.query<{ found: boolean }>('SELECT to_regclass($1) IS NOT NULL AS found', [
    views,
  ]);
  if (rows[0]?.found === true) {
    await client.query(`DELETE FROM ${views} WHERE view_name = $1 AND fingerprint IS NULL`, [identifier]);
  }
  return { mirror: isThere ? `${schema}.${identifier}` : null, viewsDue };
}

/**
 * Whether there is a mirror table.
 *
 * @throws Failure `foreign-table` for a table of that name that mirrorverse did not make.
 */
async function assertMirror(
  client: pg.ClientBase,
  store: StateStore,
  qualified: string,
  table: string,
): Promise<boolean> {
  const { rows } = await client.query<{ ours: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgname = $2 AND g.tgargs = $3)
         OR EXISTS (SELECT FROM ${qualifiedName(store.schema, 'tables')} t
                     WHERE t.environment_id = $4 AND t."table" = $5 AND t.mirror_oid = c.oid::int8) AS ours
       FROM pg_class c WHERE c.oid = to_regclass($1) AND c.relkind IN ('r', 'p')`,
    [qualified, TRIGGER, guardArguments(store, table), store.environmentId, table],
  );
  const [found] = rows;
  if (found?.ours !== false) return found !== undefined;
  throw new Failure({
    code: 'foreign-table',
    message: `${qualified} is not the mirror table of ${table}: somebody else made it. Nothing was forgotten.`,
    remedy: `Run \`mirrorverse forget ${table}\` without --drop.`,
    details: { table },
  });
}

function inTheWay(table: string, foreign: readonly string[]): Failure {
  return new Failure({
    code: 'dependent-objects',
    message: `The mirror table of ${table} cannot be dropped, because ${foreign.join(', ')} uses it. Nothing was forgotten.`,
    remedy: `Drop that first, or run \`mirrorverse forget ${table}\` without --drop.`,
    details: { table },
  });
}

/**
 * Views of other tables showed names of the table that goes. A label keeper makes the views again that are due.
 *
 * @param dropped schema and name of the views.
 * @returns the tables whose views are due.
 */
async function putViewsDue(store: StateStore, dropped: readonly string[]): Promise<string[]> {
  const { tables } = store.tables;
  const names = new Set(dropped.map((view) => view.slice(view.lastIndexOf('.') + 1)));
  const known = await store.db
    .select({ table: tables.table })
    .from(tables)
    .where(eq(tables.environmentId, store.environmentId));
  const due = known.map(({ table }) => table).filter((table) => names.has(shortenIdentifier(table)));
  for (const table of due) {
    await store.db
      .update(tables)
      .set({ labelsVersion: sql`${VIEWS_DUE}::text || ${tables.labelsVersion}` })
      .where(
        and(
          eq(tables.environmentId, store.environmentId),
          eq(tables.table, table),
          not(like(tables.labelsVersion, `${VIEWS_DUE}%`)),
        ),
      );
  }
  return due;
}
