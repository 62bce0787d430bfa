import type pg from 'pg';
import { rowFilterOf } from '../../../src/config/table-settings.ts';
import { openDataverse, type Dataverse } from '../../../src/dataverse/dataverse.ts';
import type { DataverseEmulator } from '../../../src/emulator/dataverse-emulator.ts';
import type { FeedWish } from '../../../src/mirror/feed/log-triggers.ts';
import { APPLY_ALL } from '../../../src/mirror/table/drift.ts';
import type { HistoryWish } from '../../../src/mirror/history/expired-records.ts';
import { openMirrorDatabase } from '../../../src/mirror/database.ts';
import { openMirror, type Mirror } from '../../../src/mirror/mirror.ts';
import {
  readDifferences,
  type RecordedDifference,
  type VerifyMethod,
} from '../../../src/mirror/verify/verify-records.ts';
import { toFailure, type Failure } from '../../../src/model/failure.ts';
import { LeaseKeeper } from '../../../src/sync/lease/lease-keeper.ts';
import { syncOnce } from '../../../src/sync/sync-once.ts';
import type { RunResult } from '../../../src/sync/run/run-outcome.ts';
import { FirstLook } from '../../../src/sync/tables/first-look.ts';
import { TableJob, type RunOptions } from '../../../src/sync/run/table-job.ts';
import { createStateMemory } from '../../../src/sync/tables/state-memory.ts';
import { repairDifferences } from '../../../src/sync/verify/repair.ts';
import { verifyTable } from '../../../src/sync/verify/table-verification.ts';
import { jobToVerify } from '../../../src/sync/verify/verified-table.ts';
import { SharedBudget } from '../../../src/sync/watch/shared-budget.ts';
import { ALL_COLUMNS } from '../../../src/sync/tables/table-selection.ts';
import type { TestDatabase } from '../database.ts';
import { mirrorOptions, silent } from '../mirror.ts';
import { runNudged } from './nudged-run.ts';
import type { DriverFilter } from './driver-filters.ts';
import { SHARED_LIMITS, SHARE_TIMES, type SentRequests } from './shared-limits.ts';

export interface ProcessSettings {
  readonly pageSize: number;
  readonly softDeletes: boolean;
  readonly history?: HistoryWish;
  readonly feed: FeedWish;
  /** Hears of the requests, if all processes share the limits of one identity; otherwise each has all of them. */
  readonly sent: SentRequests | undefined;
  readonly partitions?: number;
}

/** What a verification came to. */
export interface Verification {
  readonly failure: Failure | null;
  readonly unsettled: number;
  readonly differences: readonly RecordedDifference[];
}

/** Where a simulated process finds what it works with. */
export interface Surroundings {
  readonly emulator: DataverseEmulator;
  readonly url: string;
  readonly database: TestDatabase;
  readonly tables: readonly string[];
  /** Of the configuration that a process starts with. */
  readonly filters: Map<string, DriverFilter>;
}

const DAY = 86_400_000;
/** How sweeps compare values too. */
const ROLLING = { every: DAY, values: 3 * DAY };

/**
 * The daemon's own jobs as one process has them, within this one: it keeps what a process keeps from
 * pass to pass, and can be killed without being asked.
 */
export class SimulatedProcess {
  readonly holder: string;
  private readonly surroundings: Surroundings;
  private readonly dataverse: Dataverse;
  private readonly pool: pg.Pool;
  private readonly jobs: readonly TableJob[];
  private readonly mirror: Mirror;
  private readonly leases: LeaseKeeper;
  private readonly shared: SharedBudget | undefined;
  private readonly underWay = new Set<Promise<unknown>>();
  private stopping = new AbortController();
  private dead = false;

  private constructor(
    surroundings: Surroundings,
    opened: {
      holder: string;
      dataverse: Dataverse;
      pool: pg.Pool;
      jobs: readonly TableJob[];
      mirror: Mirror;
      leases: LeaseKeeper;
      shared: SharedBudget | undefined;
    },
  ) {
    this.surroundings = surroundings;
    this.holder = opened.holder;
    this.dataverse = opened.dataverse;
    this.pool = opened.pool;
    this.jobs = opened.jobs;
    this.mirror = opened.mirror;
    this.leases = opened.leases;
    this.shared = opened.shared;
  }

  static async start(
    surroundings: Surroundings,
    settings: ProcessSettings,
    holder: string,
  ): Promise<SimulatedProcess> {
    const { emulator, url, database, tables } = surroundings;
    const signIn = { method: 'access-token', token: 'emulator-token' } as const;
    const { sent, ...wished } = settings;
    const ample = { requestsPer5Minutes: 100_000, concurrency: 8 };
    const limits = { ...(sent === undefined ? ample : SHARED_LIMITS), requestTimeout: 30_000 };
    const watched = sent && {
      budgetWindow: SHARE_TIMES.window,
      watch: (_kind: string, _outcome: string, seconds: number): void => sent.answered(seconds),
    };
    const dataverse = openDataverse({ url, signIn, limits, userAgent: holder, ...watched }, silent);
    const address = new URL(database.url);
    address.searchParams.set('application_name', holder);
    const options = mirrorOptions(address.href);
    const opened = openMirrorDatabase(options, silent);
    const { pool } = opened;
    const { organizationId } = emulator.store;
    const environment = { url, organizationId, linkLifeDays: 7, language: 1033 };
    const mirror = await openMirror(opened, options, environment, tables);
    const shared = sent && shareOf(mirror, dataverse, holder);
    await shared?.join();
    // As every command asks before it reads any metadata.
    dataverse.metadata.observe(String(emulator.store.metadataVersion));
    dataverse.metadata.remember(createStateMemory({ mirror, userId: undefined, names: tables }));
    const leases = new LeaseKeeper(mirror, holder, silent);
    const common = { mode: 'changes', columns: ALL_COLUMNS, drift: APPLY_ALL } as const;
    const wishes = tables.map((name) => {
      const filter = surroundings.filters.get(name);
      const rows = filter === undefined ? {} : { rows: rowFilterOf(filter.rows) };
      return { name, ...common, ...wished, ...rows };
    });
    const firstLook = new FirstLook({ dataverse, mirror, holder }, wishes);
    const parts = { dataverse, mirror, leases, logger: silent, firstLook };
    const jobs = wishes.map((table) => new TableJob(table, parts));
    return new SimulatedProcess(surroundings, { holder, dataverse, pool, jobs, mirror, leases, shared });
  }

  get running(): boolean {
    return !this.dead;
  }

  get isAtWork(): boolean {
    return this.underWay.size > 0;
  }

  /** One pass over all tables; null when it was stopped or killed meanwhile. */
  async pass(run: RunOptions = {}): Promise<RunResult[] | null> {
    const { signal } = this.stopping;
    const pass = syncOnce(this.jobs, 8, () => run, signal);
    this.underWay.add(pass);
    try {
      return await pass;
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    } finally {
      this.underWay.delete(pass);
    }
  }

  /** Lets its tables run by nudges alone; it may be stopped or killed meanwhile. */
  async nudged(acts: readonly (() => readonly string[])[]): Promise<void> {
    const { jobs, mirror, stopping } = this;
    const run = runNudged({ jobs, store: mirror.store }, acts, stopping.signal);
    this.underWay.add(run);
    await run.finally(() => this.underWay.delete(run));
  }

  /** Verifies a table, as the command does; null when it was stopped or killed meanwhile. */
  async verify(table: string, method: VerifyMethod, repair: boolean): Promise<Verification | null> {
    const { signal } = this.stopping;
    const verification = this.verified(table, method, repair, signal);
    this.underWay.add(verification);
    try {
      return await verification;
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    } finally {
      this.underWay.delete(verification);
    }
  }

  private async verified(
    table: string,
    method: VerifyMethod,
    repair: boolean,
    signal: AbortSignal,
  ): Promise<Verification> {
    const { dataverse, mirror, leases, holder } = this;
    const job = this.jobs.find(({ settings }) => settings.name === table);
    if (job === undefined) throw new Error(`There is no table ${table}.`);
    const { settings } = job;
    let unsettled = 0;
    try {
      if (method === 'sweep') await this.dayPasses();
      const parts = { dataverse, mirror, holder, ...(method === 'sweep' ? { rolling: ROLLING } : {}) };
      ({ unsettled } = await verifyTable(jobToVerify(job), method, parts, signal));
      if (repair) {
        const writing = { dataverse, mirror, leases, logger: silent };
        await repairDifferences(settings, writing, () => true, signal);
      }
    } catch (error) {
      signal.throwIfAborted();
      return { failure: toFailure(error), unsettled, differences: [] };
    }
    const { differences } = await readDifferences(mirror.store, table, 1_000);
    return { failure: null, unsettled, differences };
  }

  /** So that the next sweep compares another slice of the values. */
  private async dayPasses(): Promise<void> {
    await this.surroundings.database.query(
      `UPDATE mirrorverse.value_rounds SET begun_at = begun_at - interval '1 day', sliced_at = sliced_at - interval '1 day'`,
    );
  }

  /** Stops the pass under way as SIGTERM does; the next one may begin after it has ended. */
  stop(): void {
    this.stopping.abort();
    this.stopping = new AbortController();
  }

  /** Ends every session of this process from the server's side. */
  async loseSessions(): Promise<void> {
    await this.surroundings.database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = $1`,
      [this.holder],
    );
  }

  /** Stands in for SIGKILL: nothing is committed, released or closed from here on. */
  async kill(): Promise<void> {
    if (this.dead) return;
    this.dead = true;
    // No further connection is given out, so nothing can be tidied up.
    const ended = this.pool.end();
    ended.catch(() => undefined);
    // It renews its share no more, and cannot give it back.
    void this.shared?.close();
    await this.loseSessions();
    this.stopping.abort();
    await Promise.allSettled(this.underWay);
    await this.dataverse.close();
  }

  /** A clean end. */
  async end(): Promise<void> {
    if (this.dead) return;
    this.dead = true;
    await Promise.allSettled(this.underWay);
    await this.shared?.close();
    await this.pool.end();
    await this.dataverse.close();
  }
}

function shareOf({ store }: Mirror, { budget }: Dataverse, process: string): SharedBudget {
  return new SharedBudget({
    store,
    budget,
    identity: 'identity',
    process,
    replicas: { group: () => null, observe: () => undefined },
    limits: () => SHARED_LIMITS,
    logger: silent,
    times: SHARE_TIMES,
  });
}
