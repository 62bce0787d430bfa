import type pg from 'pg';
import type { Logger } from 'pino';
import { Failure } from '../model/failure.ts';
import type { Table } from '../model/table.ts';
import { assertEncoding } from './connection/database-encoding.ts';
import { APPLY_ALL } from './table/drift.ts';
import { tellingGrants } from './table/grants.ts';
import { createLabelStore, type LabelStore, type LabelWishes } from './labels/label-store.ts';
import { prepareMirrorTable, type Prepared, type PrepareOptions } from './table/mirror-schema.ts';
import { mirrorTable, type MirrorTable } from './table/mirror-table.ts';
import { PageWriter } from './page/page-writer.ts';
import { openPool, transaction } from './connection/postgres.ts';
import { DEFAULT_ROW_POLICY, type RowPolicy } from './quarantine/row-policy.ts';
import {
  registerEnvironment,
  type RegisteredEnvironment,
  type SeenEnvironment,
} from './environment/environments.ts';
import { forgetCheckpoint, forgetSelection, holdFence } from './state/checkpoints.ts';
import { prepareIdleRuns, type StoreIdleRun } from './lease/idle-runs.ts';
import { registerTables, type Lease } from './lease/leases.ts';
import { forgetLabels, recordViewWishes } from './labels/label-state.ts';
import { migrateState, stateExists } from './state/migrations.ts';
import { openStateStore, type StateStore } from './state/store.ts';
import { toldByFilters } from './page/swallowed-rows.ts';
import { DEFAULT_SWEEP_LIMITS, type SweepLimits } from './deletes/sweep-guard.ts';

export interface MirrorOptions {
  readonly url: string;
  /** Schema of the mirror tables. */
  readonly schema: string;
  readonly stateSchema: string;
  readonly connections: number;
  /** Milliseconds. */
  readonly leaseDuration: number;
  /** What is done with values on their way in; the defaults where it is absent. */
  readonly rows?: RowPolicy;
  /** How much a sweep may delete unasked; the defaults where it is absent. */
  readonly sweep?: SweepLimits;
  /** Labels and views; none where it is absent. */
  readonly labels?: LabelWishes;
}

/** The mirror of one environment in one PostgreSQL database. */
export interface Mirror {
  readonly pool: pg.Pool;
  readonly store: StateStore;
  readonly options: MirrorOptions;
  /** As it was last looked at. */
  readonly environment: RegisteredEnvironment;
  /** Records what the environment now says about itself. @throws Failure as `registerEnvironment` does. */
  recordEnvironment(seen: SeenEnvironment): Promise<RegisteredEnvironment>;
  /**
   * Makes a table's mirror table fit its definition; a commit like any other, so it needs the lease.
   *
   * @param table the columns that are wanted.
   * @param signal a column may change in place, which rewrites the table: an abort cancels that.
   * @throws Failure
   */
  prepare(
    table: Table,
    softDeletes: boolean,
    lease: Lease,
    options?: Partial<PrepareOptions>,
    signal?: AbortSignal,
  ): Promise<Prepared>;
  /** For runs that find nothing, without the lease. */
  readonly storeIdleRun: StoreIdleRun;
  /** @param isOutdated whether the table may no longer be what the mirror table was made to fit. */
  writer(mirror: MirrorTable, lease: Lease, isOutdated?: () => boolean): PageWriter;
  /**
   * Makes a state schema anew that was dropped while it was in use, with rows for these tables.
   *
   * @returns whether it was gone; another process may have been faster.
   * @throws Failure `state-replaced` when it now counts the environment as another one.
   */
  restoreState(tables: readonly string[]): Promise<boolean>;
  /** Undefined where no labels are wanted. */
  readonly labels: LabelStore | undefined;
}

/** A pool for the daemon's work: transactions of a process that stands still end with its lease. */
export function openMirrorPool(options: MirrorOptions, logger: Logger): pg.Pool {
  return openPool(
    { url: options.url, connections: options.connections, idleInTransaction: options.leaseDuration },
    logger,
  );
}

/** Migrates the state schema, records the environment and the tables to come. @throws Failure */
export async function openMirror(
  pool: pg.Pool,
  options: MirrorOptions,
  environment: SeenEnvironment,
  tables: readonly string[],
): Promise<Mirror> {
  const { labels } = options;
  const openState = async (): Promise<RegisteredEnvironment> => {
    await assertEncoding(pool);
    await migrateState(pool, options.stateSchema);
    return registerEnvironment(pool, options.stateSchema, options.schema, environment);
  };
  const record = await tellingGrants(pool, [options.stateSchema, options.schema], openState);
  const store = openStateStore(pool, options.stateSchema, record.id);
  const register = async (names: readonly string[]): Promise<void> =>
    store.transaction(async (inside) => {
      await registerTables(inside, names);
      if (labels !== undefined) await recordViewWishes(inside, JSON.stringify(labels));
    });
  await register(tables);
  const opened: Mirror & { environment: RegisteredEnvironment } = {
    pool,
    store,
    options,
    environment: record,
    async recordEnvironment(seen) {
      const { stateSchema, schema } = options;
      opened.environment = await registerEnvironment(pool, stateSchema, schema, seen);
      return opened.environment;
    },
    async prepare(
      table,
      softDeletes,
      lease,
      { definition = table, policy = APPLY_ALL, ...more } = {},
      signal,
    ) {
      const mirror = mirrorTable(table, options.schema, softDeletes);
      const made = transaction(
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
          // In the same commit: a link must never outlive the rows it stands for.
          if (prepared.created) await forgetCheckpoint(store.on(client), lease);
          // Nor may a selection outlast the columns it stood for: what they hold is yet to be read.
          else if (prepared.refills) await forgetSelection(store.on(client), lease);
          if (prepared.altered) await forgetLabels(store.on(client), lease);
          return prepared;
        },
        signal,
      );
      return made.catch(async (error: unknown) => {
        throw await toldByFilters(pool, mirror, error);
      });
    },
    storeIdleRun: prepareIdleRuns(store, options.schema),
    writer: (mirror, lease, isOutdated) =>
      new PageWriter({
        pool,
        store,
        mirror,
        lease,
        leaseDuration: options.leaseDuration,
        policy: options.rows ?? DEFAULT_ROW_POLICY,
        sweep: options.sweep ?? DEFAULT_SWEEP_LIMITS,
        ...(isOutdated === undefined ? {} : { isOutdated }),
      }),
    async restoreState(names) {
      const isGone = !(await stateExists(pool, options.stateSchema));
      if (isGone && (await openState()).id !== record.id) throw stateReplaced(options.stateSchema);
      await register(names);
      return isGone;
    },
    labels:
      labels === undefined
        ? undefined
        : createLabelStore(pool, store, options.schema, labels, () => opened.environment),
  };
  return opened;
}

function stateReplaced(stateSchema: string): Failure {
  return new Failure({
    code: 'state-replaced',
    message: `The state schema ${stateSchema} was dropped while it was in use.`,
  });
}
