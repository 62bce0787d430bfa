import { Failure } from '../model/failure.ts';
import type { Table } from '../model/table.ts';
import { assertServer, type DatabaseOptions, type MirrorDatabase } from './database.ts';
import { APPLY_ALL } from './table/drift.ts';
import { assertCitus, distributedMirror } from './citus/citus-statements.ts';
import { tellingGrants } from './connection/grants.ts';
import { createLabelStore, wishesText, type LabelStore, type LabelWishes } from './labels/label-store.ts';
import { type Prepared, prepareMirrorTable, type PrepareOptions } from './table/mirror-schema.ts';
import { changeLookupIndexes, type IndexChange } from './table/indexes/lookup-indexes.ts';
import { mirrorTable, type MirrorTable } from './table/mirror-table.ts';
import { movePartitions } from './table/partitions/partition-move.ts';
import { PageWriter, type PageWriterOptions } from './page/page-writer.ts';
import { keepPartitions, type LogWish } from './feed/log-partitions.ts';
import { withHistorySchema } from './history/history-grants.ts';
import { historyPlace } from './history/history-names.ts';
import { expireHistory } from './history/expired-records.ts';
import { transaction } from './connection/postgres.ts';
import { DEFAULT_ROW_POLICY, type RowPolicy } from './quarantine/row-policy.ts';
import {
  type RegisteredEnvironment,
  registerEnvironment,
  type SeenEnvironment,
} from './state/environments.ts';
import { forgetCheckpoint, forgetSelection, holdFence } from './state/checkpoints.ts';
import { prepareIdleRuns, type StoreIdleRun } from './lease/idle-runs.ts';
import { type Lease, registerTables } from './lease/leases.ts';
import { ensureFreshnessView } from './control/freshness-view.ts';
import { forgetLabels, recordViewWishes } from './labels/label-state.ts';
import { migrateState, stateExists } from './state/migrations.ts';
import { openStateStore, type StateStore } from './state/store.ts';
import { Comparison } from './verify/comparison.ts';
import { toldByFilters } from './page/swallowed-rows.ts';
import { DEFAULT_SWEEP_LIMITS, type SweepLimits } from './deletes/sweep-limits.ts';

export interface MirrorOptions extends DatabaseOptions {
  /** How values are treated on their way in; absent, by the defaults. */
  readonly rows?: RowPolicy;
  /** How much a sweep may delete unasked; absent, by the defaults. */
  readonly sweep?: SweepLimits;
  /** Labels and views; absent, there are none. */
  readonly labels?: LabelWishes;
  /** The mirror tables are distributed over the nodes of a Citus cluster. */
  readonly isDistributed?: boolean;
  /** How long the change log keeps changes; absent where no table has one. */
  readonly feed?: LogWish;
}

/** The mirror of one environment in one PostgreSQL database. */
export interface Mirror extends MirrorDatabase {
  readonly store: StateStore;
  readonly options: MirrorOptions;
  /**
   * Goes on with other options: rows, sweep, labels and connections. Pages of runs under way keep theirs. The wishes
   * for labels count once tables are registered again.
   */
  change(options: MirrorOptions): void;
  /** Gives tables their state, and records the wishes for labels. @throws Failure */
  register(tables: readonly string[]): Promise<void>;
  /** The environment, as it was last seen. */
  readonly environment: RegisteredEnvironment;
  /** Records what the environment now says about itself. @throws Failure as `registerEnvironment` does. */
  recordEnvironment(seen: SeenEnvironment): Promise<RegisteredEnvironment>;
  /**
   * Makes a table's mirror table fit its definition. It is a commit like any other, so it needs the lease.
   *
   * @param table the columns that are wanted.
   * @param signal an abort cancels the change of a column in place, which rewrites the table.
   * @throws Failure
   */
  prepare(
    table: Table,
    softDeletes: boolean,
    lease: Lease,
    options?: Partial<PrepareOptions>,
    signal?: AbortSignal,
  ): Promise<Prepared>;
  /**
   * Makes and drops indexes on the lookups of a mirror table until they are as wanted.
   *
   * @returns what changed. @throws Failure
   */
  changeIndexes(
    mirror: MirrorTable,
    wanted: boolean,
    lease: Lease,
    signal: AbortSignal,
  ): Promise<readonly IndexChange[]>;
  /**
   * Moves a mirror table into another number of partitions, null for none, while readers go on.
   *
   * @throws Failure as `movePartitions` does.
   */
  movePartitions(
    mirror: MirrorTable,
    partitions: number | null,
    lease: Lease,
    signal: AbortSignal,
  ): Promise<void>;
  /** Compares a mirror table with its source. @param holder names the process. */
  comparison(mirror: MirrorTable, holder: string): Comparison;
  /** Stores runs that find nothing, without the lease. */
  readonly storeIdleRun: StoreIdleRun;
  /**
   * @param options `isOutdated`: whether the source's definition may have changed since the mirror table was made to
   *   fit it.
   */
  writer(
    mirror: MirrorTable,
    lease: Lease,
    options?: Pick<PageWriterOptions, 'isOutdated' | 'feed' | 'history'>,
  ): PageWriter;
  /** Makes the partitions of the change log that the next days need, and drops those that are too old. @throws Failure */
  keepPartitions(signal?: AbortSignal): Promise<void>;
  /** Deletes the records of a table's history that ended more than `keep` milliseconds ago. @throws Failure */
  expireHistory(table: string, keep: number, signal: AbortSignal): Promise<number>;
  /**
   * Makes the state schema anew that was dropped while it was in use, with rows for these tables.
   *
   * @returns whether the schema was gone; another process may have been faster.
   * @throws Failure `state-replaced` when the environment now has another number in the state.
   */
  restoreState(tables: readonly string[]): Promise<boolean>;
  /** Grants that only an administrator may give, as statements. */
  readonly grantsLeft: readonly string[];
  /** Undefined where no labels are wanted. */
  readonly labels: LabelStore | undefined;
}

/** Migrates the state schema, and records the environment and the tables. @throws Failure */
export async function openMirror(
  database: MirrorDatabase,
  first: MirrorOptions,
  environment: SeenEnvironment,
  tables: readonly string[],
): Promise<Mirror> {
  let options = first;
  const { pool, schema, stateSchema } = database;
  let grantsLeft: readonly string[] = [];
  const openState = async (): Promise<RegisteredEnvironment> => {
    await assertServer(pool);
    if (options.isDistributed === true) await transaction(pool, assertCitus);
    ({ grantsLeft } = await migrateState(database));
    return registerEnvironment(database, environment);
  };
  const record = await tellingGrants(pool, [options.stateSchema, options.schema], openState);
  const store = openStateStore(pool, options.stateSchema, record.id);
  const register = async (names: readonly string[]): Promise<void> =>
    store.transaction(async (inside) => {
      await registerTables(inside, names);
      const { labels } = options;
      if (labels !== undefined) await recordViewWishes(inside, wishesText(labels));
    });
  await register(tables);
  const labelStore = (): LabelStore | undefined =>
    options.labels === undefined
      ? undefined
      : createLabelStore(pool, store, options.schema, options.labels, () => opened.environment);
  const opened: Writable<Mirror> = {
    pool,
    schema,
    stateSchema,
    store,
    options,
    change(next) {
      options = next;
      opened.options = next;
      opened.labels = labelStore();
      // The pool reads its limit before each new connection.
      pool.options.max = next.connections;
    },
    register,
    environment: record,
    grantsLeft,
    async recordEnvironment(seen) {
      opened.environment = await registerEnvironment(database, seen);
      return opened.environment;
    },
    async prepare(
      table,
      softDeletes,
      lease,
      { definition = table, policy = APPLY_ALL, ...more } = {},
      signal,
    ) {
      const mirror = distributedMirror(
        mirrorTable(table, options.schema, softDeletes),
        options.isDistributed === true,
        stateSchema,
        record.id,
      );
      const prepare = async (): Promise<Prepared> =>
        transaction(
          pool,
          async (client) => {
            await holdFence(store, client, lease, mirror);
            const prepared = await prepareMirrorTable(
              client,
              store,
              mirror,
              { definition, policy, sweep: options.sweep ?? DEFAULT_SWEEP_LIMITS, ...more },
              lease.holder,
            );
            // This is the same commit, because a link must never outlive the rows that it stands for.
            if (prepared.created) await forgetCheckpoint(store.on(client), lease);
            // A selection must not outlast its columns either: the new columns' values are yet to be read.
            else if (prepared.refills) await forgetSelection(store.on(client), lease);
            if (prepared.altered) await forgetLabels(store.on(client), lease);
            // The schema may be new, or somebody may have dropped it with all that was in it.
            if (prepared.created) await ensureFreshnessView(client, { schema, stateSchema });
            return prepared;
          },
          signal,
        );
      const made = more.history === true ? withHistorySchema(pool, schema, prepare) : prepare();
      return made.catch(async (error: unknown) => {
        throw await toldByFilters(pool, mirror, error);
      });
    },
    changeIndexes: async (mirror, wanted, lease, signal) =>
      changeLookupIndexes({ pool, store }, mirror, wanted, lease, signal),
    movePartitions: async (mirror, partitions, lease, signal) =>
      movePartitions(
        { pool, store, mirror, partitions, lease, leaseDuration: options.leaseDuration },
        signal,
      ),
    comparison: (mirror, holder) =>
      new Comparison({ pool, store, mirror, policy: options.rows ?? DEFAULT_ROW_POLICY, holder }),
    storeIdleRun: prepareIdleRuns(store, options.schema),
    writer: (mirror, lease, more) =>
      new PageWriter({
        pool,
        store,
        mirror,
        lease,
        leaseDuration: options.leaseDuration,
        policy: options.rows ?? DEFAULT_ROW_POLICY,
        sweep: options.sweep ?? DEFAULT_SWEEP_LIMITS,
        ...more,
      }),
    keepPartitions: async (signal) => keepPartitions(pool, stateSchema, options.feed, signal),
    expireHistory: async (table, keep, signal) =>
      expireHistory(pool, historyPlace(schema, table), keep, signal),
    async restoreState(names) {
      const isGone = !(await stateExists(pool, options.stateSchema));
      if (isGone && (await openState()).id !== record.id) throw stateReplaced(options.stateSchema);
      await register(names);
      return isGone;
    },
    labels: undefined,
  };
  opened.labels = labelStore();
  // Without its partitions, the log has the default partition.
  await opened.keepPartitions().catch(() => undefined);
  return opened;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function stateReplaced(stateSchema: string): Failure {
  return new Failure({
    code: 'state-replaced',
    message: `The state schema ${stateSchema} was dropped while it was in use.`,
  });
}
