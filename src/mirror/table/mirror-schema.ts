import type pg from 'pg';
import { Failure } from '../../model/failure.ts';
import type { ColumnType, Table } from '../../model/table.ts';
import { assertAllowed, type DdlPlan, pendingChanges, planTable } from './ddl-plan.ts';
import { describeChange, type DriftPolicy, type ExistingColumn, type ExistingTable } from './drift.ts';
import { prepareFilter } from '../filter/prepare-filter.ts';
import { dropViews, viewsOf } from '../views/drop-views.ts';
import { assertKey, assertNoHazards } from './hazards.ts';
import { prepareLog, type FeedWish } from '../feed/log-triggers.ts';
import { dropFromLog } from '../feed/plain-values.ts';
import { dropFromHistory, prepareHistory } from '../history/history-triggers.ts';
import { keepPublished } from '../downstream/keep-published.ts';
import { countMarkedRows, type MarkedRows } from '../deletes/marked-rows.ts';
import { HAS_OUR_INDEXES } from './indexes/lookup-indexes.ts';
import { DELETED_AT, type MirrorTable } from './mirror-table.ts';
import { type CatalogEntry, readCatalog, recordKept, writeCatalog } from '../state/catalog.ts';
import { recordDefinition, recordMetadata } from '../state/definitions.ts';
import { recordMarkedRows } from '../deletes/delete-approval.ts';
import { createSchema } from '../state/migrations.ts';
import { prepareStaging } from '../citus/citus-statements.ts';
import { recordSettings, type SettingsConflict, type TableSettingsSeen } from '../state/settings-conflict.ts';
import { DEFAULT_SWEEP_LIMITS, type SweepLimits } from '../deletes/sweep-limits.ts';
import { endVacuum, STRONG_LOCK_TIMEOUT, WITHOUT_LOCK_TIMEOUT } from '../connection/strong-lock.ts';
import { dropUnfinishedMove } from './partitions/moved-table.ts';
import { closePartitions, LAYOUT, moveOf, type PartitionLayout } from './partitions/partition-layout.ts';
import { rememberMirrorTable, whyRowsUntrusted } from './found-table.ts';
import { ensureMarks } from './load-marks.ts';
import type { StateStore } from '../state/store.ts';
import { assertNameFree, assertOurs } from './taken-name.ts';
import { ensureTruncationTrigger } from './truncation-trigger.ts';

/** What a mirror table needs to know beside its columns. */
export interface PrepareOptions {
  /** All attributes of the source; tells a removed attribute from an unwanted one. */
  readonly definition: Table;
  /** The state of the environment's metadata that the definition belongs to; absent if that is not known. */
  readonly basis?: string | undefined;
  readonly policy: DriftPolicy;
  /** How many of the marked rows may be deleted unasked, where deletes are hard. */
  readonly sweep?: SweepLimits;
  /** The configuration's settings of the table, to notice other processes with other settings. */
  readonly settings?: TableSettingsSeen;
  /** What the change log has of the table; absent, that stays as it is. */
  readonly feed?: FeedWish;
  /** Whether the table has a history; absent, that stays as it is. */
  readonly history?: boolean;
  /** Partitions of the mirror table, null for none; absent, a table that is there stays as it is. */
  readonly partitions?: number | null;
}

export interface Prepared {
  /** The mirror table as it is now, without columns that the policy holds back. */
  readonly mirror: MirrorTable;
  /** The mirror table was missing or emptied: its rows are gone, whatever a checkpoint says. */
  readonly created: boolean;
  /**
   * Existing rows lack values of some columns, or they are not the rows that the checkpoint stands for: they
   * belong to a table that was removed since, or to another mirror table.
   */
  readonly refills: boolean;
  /** Why the rows that are there are not the stored ones; null where they are. */
  readonly untrusted: string | null;
  /** Columns came, went, changed, or got another meaning. */
  readonly altered: boolean;
  readonly hasRows: boolean;
  /** The table has indexes that mirrorverse made on its lookups. */
  readonly hasOurIndexes: boolean;
  /**
   * Whether the table has to be moved, because it is not divided as it should be. `must`: it lacks partitions, so it
   * cannot take all rows.
   */
  readonly move: 'must' | 'due' | 'no';
  /** What others built on columns that are now kept under another name, and that still reads them there. */
  readonly leftBehind: readonly string[];
  /** Statements that would bring the table into the publications that it left, and that PostgreSQL refused. */
  readonly unpublished: readonly string[];
  /** Changes of existing or new columns, each in words. */
  readonly changes: readonly string[];
  /** What waits for a person's yes, in words; null when nothing does. */
  readonly pending: string | null;
  /** Marked rows that wait for a person's yes; null when none do. */
  readonly waiting: MarkedRows | null;
  /** Marked rows that were deleted now. */
  readonly erased: number;
  /** Another process that mirrors the table with other settings; null where none is known. */
  readonly conflict: SettingsConflict | null;
}

/**
 * Makes the mirror table and the catalog fit the source, as far as the policy lets it, inside the caller's
 * transaction.
 *
 * @param holder the process, by its name to the leases.
 * @throws Failure when a change needs a person's yes or cannot be made.
 */
export async function prepareMirrorTable(
  client: pg.PoolClient,
  store: StateStore,
  mirror: MirrorTable,
  options: PrepareOptions,
  holder: string,
): Promise<Prepared> {
  const { settings } = options;
  const conflict =
    settings === undefined
      ? null
      : await recordSettings(store.on(client), mirror.table.logicalName, settings, holder);
  // The other process is at work and marks rows. Deleting what it keeps would go on in turns.
  const keepsMarks = conflict?.isCertain === true && conflict.there['deletes'] === 'soft';
  const { plan, planned, existing, marked } = await planMirrorTable(client, store, mirror, {
    ...options,
    keepsMarks,
  });
  await ensureMarks(client, mirror.schema);
  // This is asked before any change, because a change gives the table another file.
  const untrusted = existing === undefined ? null : await whyRowsUntrusted(client, store, mirror);
  assertAllowed(plan);
  if (existing !== undefined) await assertKey(client, plan.mirror);
  const table = mirror.table.logicalName;
  const state = store.on(client);
  const replaced = plan.changes.flatMap((change) => (change.kind === 'replaced' ? [change] : []));
  const leftBehind = await madeOf(
    client,
    mirror,
    replaced.map(({ column }) => column.identifier),
  );
  let erased = 0;
  if (plan.statements.length > 0) {
    if (existing === undefined) {
      await createSchema(client, mirror.schema);
    } else await endVacuum(client, mirror.qualified);
    await client.query(`SET LOCAL lock_timeout = ${STRONG_LOCK_TIMEOUT}`);
    if (plan.altered.length > 0) await makeWay(client, plan);
    for (const statement of plan.statements) {
      const { command, rowCount } = await client.query(statement);
      if (command === 'DELETE') erased += rowCount ?? 0;
    }
    await client.query(WITHOUT_LOCK_TIMEOUT);
    if (existing === undefined) await closePartitions(client, mirror.qualified);
  }
  await dropUnfinishedMove(client, mirror);
  for (const { column, keptAs: identifier, from: type } of replaced) {
    await recordKept(state, table, { identifier, column, type });
  }
  const unpublished = await keepPublished(client, mirror);
  await ensureTruncationTrigger(client, store, mirror);
  await prepareStaging(client, plan.mirror);
  const recatalogued = await writeCatalog(state, table, plan.mirror.columns);
  const pending = pendingChanges(plan);
  const remade = await recordMetadata(state, mirror.table, pending);
  await recordDefinition(state, options.definition, options.basis ?? null);
  const waiting = marked === null || marked.allowed ? null : marked;
  await recordMarkedRows(state, table, waiting?.marked ?? null);
  const hasRows = await rememberMirrorTable(client, store, mirror);
  const created = existing === undefined || (untrusted !== null && !hasRows);
  const rewritten = plan.altered.length > 0 || replaced.length > 0;
  const found = { created, hasRows, rewritten };
  if (options.feed !== undefined) await prepareLog(client, store, plan.mirror, options.feed, found);
  await dropFromLog(client, store, mirror, hashedColumns(plan), options.feed);
  await dropFromHistory(client, mirror, hashedColumns(plan));
  if (options.history !== undefined) await prepareHistory(client, store, plan.mirror, options.history, found);
  return {
    mirror: planned,
    created,
    refills: plan.refills || remade || untrusted !== null,
    untrusted,
    altered: plan.reshapes || recatalogued,
    hasRows,
    hasOurIndexes: existing?.hasOurIndexes === true,
    move: existing?.layout === undefined ? 'no' : moveOf(existing.layout, options.partitions),
    leftBehind,
    unpublished,
    changes: [
      ...plan.changes.filter(({ policy }) => policy === 'apply').map(describeChange),
      ...(existing?.unlogged === true || (existing?.layout?.unlogged.length ?? 0) > 0
        ? ['it is LOGGED again: a crash empties what is not']
        : []),
      ...(erased > 0 ? [`${erased} rows that were marked deleted are gone, for deletes are hard`] : []),
    ],
    pending,
    waiting,
    erased,
    conflict,
  };
}

/** Names in PostgreSQL of the columns that lose their plain values. */
function hashedColumns({ changes }: DdlPlan): string[] {
  return changes.flatMap((change) =>
    change.kind === 'hashed' ? [change.column.identifier, ...change.inTheClear] : [],
  );
}

/** What others built on columns. Our own views are made anew anyway. */
async function madeOf(
  client: pg.PoolClient,
  { schema, table }: MirrorTable,
  columns: readonly string[],
): Promise<readonly string[]> {
  if (columns.length === 0) return [];
  return (await viewsOf(client, { schema, table: table.logicalName, columns })).foreign;
}

/**
 * Drops our views of columns that are about to change; they are made again afterwards.
 *
 * @throws Failure `drift-blocked` where views of others are in the way. Those are not ours to drop.
 */
async function makeWay(client: pg.PoolClient, plan: DdlPlan): Promise<void> {
  const { schema, table } = plan.mirror;
  const columns = plan.altered;
  const { foreign } = await dropViews(client, { schema, table: table.logicalName, columns });
  if (foreign.length > 0) throw blocked(plan, foreign);
}

/** What would keep the plan's statements from running; null when nothing would. */
export async function whatBlocks(client: pg.ClientBase, plan: DdlPlan): Promise<Failure | null> {
  if (plan.altered.length === 0) return null;
  const { schema, table } = plan.mirror;
  const columns = plan.altered;
  const { foreign } = await viewsOf(client, { schema, table: table.logicalName, columns });
  return foreign.length === 0 ? null : blocked(plan, foreign);
}

function blocked({ mirror, altered }: DdlPlan, foreign: readonly string[]): Failure {
  const { logicalName: table } = mirror.table;
  return new Failure({
    code: 'drift-blocked',
    message: `Columns of ${mirror.qualified} have to change (${altered.join(', ')}), but ${foreign.join(', ')} is made of them.`,
    remedy: `Drop ${foreign.join(', ')} and make it again once table ${table} is up to date; \`mirrorverse plan ${table}\` shows the change.`,
    details: { table, dependents: foreign },
  });
}

/** What the plan has to respect. */
interface PlanOptions extends PrepareOptions {
  /** Rows that are marked deleted stay, and nobody is asked about them. */
  readonly keepsMarks?: boolean;
}

interface PlannedTable {
  readonly plan: DdlPlan;
  /** The mirror table after the plan, with its filter. */
  readonly planned: MirrorTable;
  readonly existing: ExistingTable | undefined;
  /** Marked rows that the run may have to delete; null where there are none. */
  readonly marked: MarkedRows | null;
}

/**
 * Plans what `prepareMirrorTable` would do; nothing is changed.
 *
 * @param store undefined where there is no state yet.
 * @throws Failure
 */
export async function planMirrorTable(
  client: pg.PoolClient,
  store: StateStore | undefined,
  mirror: MirrorTable,
  { definition, policy, sweep = DEFAULT_SWEEP_LIMITS, keepsMarks = false, partitions }: PlanOptions,
): Promise<PlannedTable> {
  const catalog = store === undefined ? [] : await readCatalog(store.on(client), mirror.table.logicalName);
  const existing = await readExisting(client, mirror, catalog);
  if (existing === undefined) await assertNameFree(client, mirror);
  else {
    if (catalog.length === 0) await assertOurs(client, mirror);
    await assertNoHazards(client, mirror);
  }
  const attributes = new Set(definition.columns.map(({ attribute }) => attribute));
  const removed = catalog
    .filter((entry) => !entry.removed && !attributes.has(entry.attribute))
    .map(({ column }) => column);
  const day = new Date().toISOString().slice(0, 10).replaceAll('-', '');
  const marked =
    mirror.softDeletes || keepsMarks || existing?.columns.has(DELETED_AT) !== true
      ? null
      : await countMarkedRows(client, store, mirror, sweep);
  const keeps = keepsMarks || marked?.allowed === false;
  const plan = planTable(mirror, existing, { policy, removed, day, keepsMarks: keeps, partitions });
  const filter = await prepareFilter(client, plan.mirror, definition);
  const planned = filter === undefined ? plan.mirror : { ...plan.mirror, filter };
  return { plan, planned, existing, marked };
}

/** Reads the mirror table as PostgreSQL has it; undefined where there is none. */
async function readExisting(
  client: pg.ClientBase,
  mirror: MirrorTable,
  catalog: readonly CatalogEntry[],
): Promise<ExistingTable | undefined> {
  const { rows } = await client.query<{
    comment: string | null;
    name: string;
    type: string;
    column_comment: string | null;
    slots: number;
    unlogged: boolean;
    has_our_indexes: boolean;
    layout: PartitionLayout;
  }>(
    `WITH c AS MATERIALIZED (
       SELECT c.oid, obj_description(c.oid, 'pg_class') AS comment, c.relnatts AS slots, c.relpersistence = 'u' AS unlogged,
              ${HAS_OUR_INDEXES} AS has_our_indexes, ${LAYOUT} AS layout
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p'))
     SELECT c.*, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
            col_description(c.oid, a.attnum) AS column_comment
       FROM c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped`,
    [mirror.schema, mirror.identifier],
  );
  const [first] = rows;
  if (first === undefined) return undefined;
  const catalogued = new Map(
    catalog.map(({ identifier, attribute, type, metadataId, removed }) => [
      identifier,
      { holds: type as ColumnType, attribute, metadataId, removed },
    ]),
  );
  return {
    comment: first.comment,
    slots: first.slots,
    unlogged: first.unlogged,
    hasOurIndexes: first.has_our_indexes,
    layout: first.layout,
    columns: new Map(
      rows.map((row): [string, ExistingColumn] => [
        row.name,
        { type: row.type, comment: row.column_comment, ...catalogued.get(row.name) },
      ]),
    ),
  };
}
