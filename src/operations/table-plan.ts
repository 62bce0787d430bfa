import type { Dataverse } from '../dataverse/dataverse.ts';
import { probeVirtual } from '../dataverse/feed/virtual-probe.ts';
import { kindOf, type TableKind } from '../dataverse/metadata/table-definition.ts';
import { readRecordCounts } from '../dataverse/feed/record-count.ts';
import { estimateRequests } from '../dataverse/budget/request-estimate.ts';
import { describeChange, type Verdict } from '../mirror/table/drift.ts';
import { previewMirrorTable, type PlannedMove, type PlannedSweep } from '../mirror/table/mirror-preview.ts';
import type { MarkedRows } from '../mirror/deletes/marked-rows.ts';
import type { SweepLimits } from '../mirror/deletes/sweep-limits.ts';
import { distributedMirror } from '../mirror/citus/citus-statements.ts';
import { mirrorTable } from '../mirror/table/mirror-table.ts';
import type { MirrorDatabase } from '../mirror/database.ts';
import { findState } from '../mirror/state/environments.ts';
import { readDefinition } from '../mirror/state/definitions.ts';
import type { StateStore } from '../mirror/state/store.ts';
import { isLoading, NEW_CHECKPOINT, type Checkpoint } from '../model/checkpoint.ts';
import { summaryOf, toFailure, type Failure, type FailureSummary } from '../model/failure.ts';
import { changesFilter, selectionOf, withKeysAlone, type Table } from '../model/table.ts';
import { resumed } from '../sync/run/starting-point.ts';
import type { TableWishes } from '../sync/tables/table-preparation.ts';
import { withKnownColumns } from '../sync/tables/known-columns.ts';
import { mirroredPart } from '../sync/tables/table-selection.ts';
import type { VerificationRequests } from './verification-cost.ts';

/** One difference at the source, and the policy for it. */
export interface PlannedChange {
  readonly kind: Verdict['kind'];
  readonly policy: Verdict['policy'];
  readonly description: string;
}

/** What the next run does to one table, or would do after a yes; an entry of `plan --json`. */
export interface TablePlan {
  readonly table: string;
  /** The mirror table is made, with so many columns for attributes; null if there is one already. */
  readonly create: { readonly columns: number } | null;
  readonly statements: readonly string[];
  /** What happens to the indexes on lookups once all rows are loaded. */
  readonly indexes: readonly { readonly kind: 'make' | 'drop'; readonly statements: readonly string[] }[];
  /** Whether the history of the table begins or ends; null if it stays on or off. */
  readonly history: 'begin' | 'end' | null;
  /** Whether the change log of the table begins or ends; null if it stays on or off. */
  readonly feed: 'begin' | 'end' | null;
  /** Into how many partitions the table is moved, and what is in the way; null if it stays as it is divided. */
  readonly move: PlannedMove | null;
  readonly changes: readonly PlannedChange[];
  /** How the rows are read; null if only changes are read. */
  readonly load: 'baseline' | 'rebaseline' | 'snapshot' | null;
  /** Rows at the source, by a count that may be a day old; null if the environment does not count them. */
  readonly rows: number | null;
  /** How the environment stores the rows; null if it does not list the table. */
  readonly kind: TableKind | null;
  /** API requests of the run for rows; null if the rows are not counted. */
  readonly requests: number | null;
  /** What a verification of the table costs; null if the rows are not counted. */
  readonly verify: VerificationRequests | null;
  /** The filter of rows; null if the table has none and had none. */
  readonly filter: PlannedFilter | null;
  /** The sweep that waits for a yes; null if there is none. */
  readonly sweep: PlannedSweep | null;
  /** Rows that are marked deleted and must go, because deletes became hard; null if there are none. */
  readonly marked: MarkedRows | null;
  readonly error: FailureSummary | null;
}

/** The filter of a table's rows. The environment counts all rows, inside and outside of it. */
export interface PlannedFilter {
  /** The text of the configuration; null if the table has no filter any more. */
  readonly rows: string | null;
  /** The rows of the mirror came by another filter, so the next run is a re-baseline. */
  readonly changed: boolean;
  /** Rows of the mirror that a changed filter keeps out; null if nothing tells before they are read. */
  readonly leaving: number | null;
}

export interface PlanOptions {
  readonly database: MirrorDatabase;
  readonly dataverse: Dataverse;
  readonly pageSize: number;
  readonly sweep: SweepLimits;
  /** The mirror tables are distributed over the nodes of a Citus cluster. */
  readonly isDistributed?: boolean;
  readonly tables: readonly TableWishes[];
}

/** Finds out what a run would do to each table. It changes nothing. */
export async function planRun(options: PlanOptions, signal: AbortSignal): Promise<TablePlan[]> {
  const { database, dataverse, tables } = options;
  const store = (await findState(database))?.store;
  const names = tables.map(({ name }) => name);
  const kinds = new Map(
    (await dataverse.metadata.tables(signal)).map((definition) => [
      definition.LogicalName,
      kindOf(definition),
    ]),
  );
  // A virtual table would cost the counts of the tables that share its request.
  const countable = names.filter((name) => kinds.get(name) !== 'virtual');
  const counts = await readRecordCounts(dataverse.client, countable, signal);
  return Promise.all(
    tables.map(async (table) => {
      const facts = { kind: kinds.get(table.name) ?? null, rows: counts.get(table.name) ?? null };
      return planTableRun(options, table, store, facts, signal);
    }),
  );
}

/** What the environment tells of a table beside its columns. */
type SourceFacts = Pick<TablePlan, 'kind' | 'rows'>;

async function planTableRun(
  options: PlanOptions,
  wishes: TableWishes,
  store: StateStore | undefined,
  facts: SourceFacts,
  signal: AbortSignal,
): Promise<TablePlan> {
  const { rows } = facts;
  const { name: table, mode } = wishes;
  try {
    const read = await options.dataverse.metadata.table(table, signal, mode);
    const known = store && (await readDefinition(store, table));
    const definition = withKnownColumns(read, known?.definition);
    const wanted = mirroredPart(definition, wishes);
    const { drift, softDeletes, indexesLookups = false, feed = 'off', partitions = null } = wishes;
    const history = wishes.history !== undefined;
    const preview = await previewMirrorTable(
      options.database,
      store,
      distributedMirror(
        mirrorTable(wanted, options.database.schema, softDeletes),
        options.isDistributed === true,
        options.database.stateSchema,
        store?.environmentId,
      ),
      { definition, policy: drift, sweep: options.sweep, indexesLookups, feed, history, partitions },
    );
    const changes = preview.changes.map((change) => ({
      kind: change.kind,
      policy: change.policy,
      description: describeChange(change),
    }));
    if (preview.refusal !== null) return stopped(table, facts, changes, preview.refusal);
    const checkpoint = preview.checkpoint ?? NEW_CHECKPOINT;
    const columns = preview.mirror.table;
    const start = resumed(
      preview.rereads ? { ...checkpoint, selection: null } : checkpoint,
      selectionOf(columns),
      { restart: false, hasRows: preview.exists },
    );
    const load = mode === 'snapshot' ? 'snapshot' : loadOf(start);
    // The load would begin with the same question, and end with its answer.
    if (read.isVirtual === true && mode === 'changes' && load !== null) {
      await probeVirtual(options.dataverse.client, columns, signal);
    }
    return {
      table,
      create: preview.exists ? null : { columns: columns.columns.length },
      statements: preview.statements,
      indexes: preview.indexes.map(({ kind, statements }) => ({ kind, statements })),
      history: preview.history,
      feed: preview.feed,
      move: preview.move,
      changes,
      load,
      ...facts,
      requests: requestsFor(options, load, rows, columns),
      verify: rows === null ? null : verifyRequests(options, rows, columns),
      filter: plannedFilter(columns, checkpoint.selection, preview.outside),
      sweep: preview.sweep,
      marked: preview.marked,
      error: null,
    };
  } catch (error) {
    signal.throwIfAborted();
    return stopped(table, facts, [], toFailure(error));
  }
}

function plannedFilter(table: Table, selection: string | null, leaving: number | null): PlannedFilter | null {
  const { rows } = table;
  const changed = changesFilter(selection, table);
  if (rows === undefined) return changed ? { rows: null, changed, leaving } : null;
  return { rows: rows.kind === 'sql' ? rows.predicate : rows.filter, changed, leaving };
}

/** How the rows are read; null if only changes are read. */
function loadOf(start: Checkpoint): 'baseline' | 'rebaseline' | null {
  if (!isLoading(start)) return null;
  return start.phase === 'baseline' ? 'baseline' : 'rebaseline';
}

/** The plan of a run that stops at once: it executes nothing and reads no row. */
function stopped(
  table: string,
  facts: SourceFacts,
  changes: readonly PlannedChange[],
  failure: Failure,
): TablePlan {
  const error = summaryOf(failure);
  return {
    table,
    create: null,
    statements: [],
    indexes: [],
    history: null,
    feed: null,
    move: null,
    changes,
    load: null,
    ...facts,
    requests: null,
    verify: null,
    filter: null,
    sweep: null,
    marked: null,
    error,
  };
}

function requestsFor(
  options: PlanOptions,
  load: TablePlan['load'],
  rows: number | null,
  table: Table,
): number | null {
  if (load === null) return 1;
  if (rows === null) return null;
  return estimate(options, load === 'snapshot' ? 'snapshot' : 'changes', rows, table);
}

/** A verification reads pages and follows no feed, as a snapshot. */
function verifyRequests(options: PlanOptions, rows: number, table: Table): VerificationRequests {
  return {
    sweep: estimate(options, 'snapshot', rows, withKeysAlone(table)),
    values: estimate(options, 'snapshot', rows, table),
  };
}

function estimate(
  { dataverse, pageSize }: PlanOptions,
  mode: 'changes' | 'snapshot',
  rows: number,
  table: Table,
): number {
  const calculated = dataverse.client.calculatedLimits.of(table.logicalName);
  return estimateRequests(table, rows, pageSize, { mode, calculated });
}
