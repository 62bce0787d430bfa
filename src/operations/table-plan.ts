import type pg from 'pg';
import type { Dataverse } from '../dataverse/dataverse.ts';
import { readRecordCounts } from '../dataverse/feed/record-count.ts';
import { estimateRequests } from '../dataverse/budget/request-estimate.ts';
import { assertAllowed } from '../mirror/table/ddl-plan.ts';
import { consented, describeChange, type Verdict } from '../mirror/table/drift.ts';
import { assertKey } from '../mirror/table/mirror-key.ts';
import { whyRowsUntrusted } from '../mirror/table/found-table.ts';
import { planMirrorTable, whatBlocks } from '../mirror/table/mirror-schema.ts';
import type { MarkedRows } from '../mirror/deletes/marked-rows.ts';
import type { SweepLimits } from '../mirror/deletes/sweep-guard.ts';
import { mirrorTable, type MirrorTable } from '../mirror/table/mirror-table.ts';
import { transaction } from '../mirror/connection/postgres.ts';
import { readEnvironmentRecord } from '../mirror/environment/environments.ts';
import { readDefinition } from '../mirror/state/definitions.ts';
import { readCheckpoint } from '../mirror/lease/leases.ts';
import { openStateStore, type StateStore } from '../mirror/state/store.ts';
import { readSweepWord } from '../mirror/deletes/sweep-approval.ts';
import { SeenKeys } from '../mirror/deletes/sweep.ts';
import { isLoading, NEW_CHECKPOINT, type Checkpoint } from '../model/checkpoint.ts';
import { summaryOf, toFailure, type Failure, type FailureSummary } from '../model/failure.ts';
import { selectionOf, type Table } from '../model/table.ts';
import { startingPoint } from '../sync/run/starting-point.ts';
import type { TableWishes } from '../sync/tables/table-preparation.ts';
import { withKnownColumns } from '../sync/tables/known-columns.ts';
import { withSelectedColumns } from '../sync/tables/table-selection.ts';

/** One difference at the source, and what the policy says to it. */
export interface PlannedChange {
  readonly kind: Verdict['kind'];
  readonly policy: Verdict['policy'];
  readonly description: string;
}

/**
 * What the next run does to one table, or would do if what it asks about were allowed; an entry of what
 * `plan --json` prints.
 */
export interface TablePlan {
  readonly table: string;
  readonly statements: readonly string[];
  readonly changes: readonly PlannedChange[];
  /** How the rows are read; null when only changes are. */
  readonly load: 'baseline' | 'rebaseline' | 'snapshot' | null;
  /** Rows at the source, from a snapshot that may be a day old; null where nobody counts them. */
  readonly rows: number | null;
  /** API requests for rows that the run costs; null where the rows are not counted. */
  readonly requests: number | null;
  /** The sweep that waits for somebody's word; null when none does. */
  readonly sweep: PlannedSweep | null;
  /** Rows marked deleted that are to go, for deletes are hard now; null when there are none. */
  readonly marked: MarkedRows | null;
  readonly error: FailureSummary | null;
}

/** What the sweep of the last re-baseline would delete. */
export interface PlannedSweep {
  /** Rows that the re-baseline did not see. */
  readonly unseen: number;
  /** All rows of the mirror table. */
  readonly rows: number;
  /** Somebody has said yes: the next run deletes them. */
  readonly allowed: boolean;
}

export interface PlanOptions {
  readonly pool: pg.Pool;
  readonly dataverse: Dataverse;
  readonly schema: string;
  readonly stateSchema: string;
  readonly pageSize: number;
  readonly sweep: SweepLimits;
  readonly tables: readonly TableWishes[];
}

/** What a run would do to each table, before anything is done. Nothing is changed anywhere. */
export async function planRun(options: PlanOptions, signal: AbortSignal): Promise<TablePlan[]> {
  const { pool, stateSchema, schema, dataverse, tables } = options;
  const environment = await readEnvironmentRecord(pool, stateSchema, schema);
  const store = environment && openStateStore(pool, stateSchema, environment.id);
  const names = tables.map(({ name }) => name);
  const counts = await readRecordCounts(dataverse.client, names, signal);
  return Promise.all(
    tables.map(async (table) => planTableRun(options, table, store, counts.get(table.name) ?? null, signal)),
  );
}

async function planTableRun(
  options: PlanOptions,
  wishes: TableWishes,
  store: StateStore | undefined,
  rows: number | null,
  signal: AbortSignal,
): Promise<TablePlan> {
  const { name: table, mode } = wishes;
  try {
    const read = await options.dataverse.metadata.table(table, signal, mode);
    const known =
      store &&
      (await transaction(options.pool, async (client) => readDefinition(store, store.on(client), table)));
    const definition = withKnownColumns(read, known?.definition);
    const wanted = withSelectedColumns(definition, wishes.columns, wishes.hashKeyId);
    const mirror = mirrorTable(wanted, options.schema, wishes.softDeletes);
    return await transaction(options.pool, async (client) => {
      const { drift: policy } = wishes;
      const { sweep: limits } = options;
      const asked = await planMirrorTable(client, store, mirror, { definition, policy, sweep: limits });
      // The statements are those of a yes: whoever is asked wants to see them.
      const { plan, existing } = await planMirrorTable(client, store, mirror, {
        definition,
        policy: consented(policy),
        sweep: { ...limits, maxShare: 1 },
      });
      const changes = asked.plan.changes.map((change) => ({
        kind: change.kind,
        policy: change.policy,
        description: describeChange(change),
      }));
      const refusal = failureOf(() => assertAllowed(plan)) ?? (await whatBlocks(client, plan));
      if (refusal !== null) return stopped(table, rows, changes, refusal);
      if (existing !== undefined) await assertKey(client, plan.mirror);
      const stored =
        existing === undefined || store === undefined
          ? undefined
          : await readCheckpoint(store, store.on(client), table);
      const checkpoint = stored ?? NEW_CHECKPOINT;
      const untrusted =
        stored === undefined || store === undefined
          ? null
          : await whyRowsUntrusted(client, store, plan.mirror);
      const start = startingPoint(
        plan.refills || untrusted !== null ? { ...checkpoint, selection: null } : checkpoint,
        selectionOf(plan.mirror.table),
        { restart: false, hasRows: existing !== undefined },
      );
      const sweep =
        store === undefined || stored === undefined || existing === undefined
          ? null
          : await plannedSweep(client, store, plan.mirror);
      const load = mode === 'snapshot' ? 'snapshot' : loadOf(start);
      return {
        table,
        statements: plan.statements,
        changes,
        load,
        rows,
        requests: requestsFor(options, load, rows, plan.mirror.table),
        sweep,
        marked: asked.marked,
        error: null,
      };
    });
  } catch (error) {
    signal.throwIfAborted();
    return stopped(table, rows, [], toFailure(error));
  }
}

/** How the rows are read; null where only changes are. */
function loadOf(start: Checkpoint): 'baseline' | 'rebaseline' | null {
  if (!isLoading(start)) return null;
  return start.phase === 'baseline' ? 'baseline' : 'rebaseline';
}

/** What the mirror table has now, where what the re-baseline has seen is still known. */
async function plannedSweep(
  client: pg.PoolClient,
  store: StateStore,
  mirror: MirrorTable,
): Promise<PlannedSweep | null> {
  const { unseenRows, allowed } = await readSweepWord(store, store.on(client), mirror.table.logicalName);
  const seen = new SeenKeys(store, mirror);
  if (unseenRows === null || !(await seen.exist(client))) return null;
  return { ...(await seen.count(client)), allowed };
}

/** The next run stops at once: nothing is executed, and no row is read. */
function stopped(
  table: string,
  rows: number | null,
  changes: readonly PlannedChange[],
  failure: Failure,
): TablePlan {
  const error = summaryOf(failure);
  return {
    table,
    statements: [],
    changes,
    load: null,
    rows,
    requests: null,
    sweep: null,
    marked: null,
    error,
  };
}

function failureOf(attempt: () => void): Failure | null {
  try {
    attempt();
    return null;
  } catch (error) {
    return toFailure(error);
  }
}

function requestsFor(
  { dataverse, pageSize }: PlanOptions,
  load: TablePlan['load'],
  rows: number | null,
  table: Table,
): number | null {
  if (load === null) return 1;
  if (rows === null) return null;
  const calculated = dataverse.client.calculatedLimits.of(table.logicalName);
  return estimateRequests(table, rows, pageSize, {
    mode: load === 'snapshot' ? 'snapshot' : 'changes',
    calculated,
  });
}
