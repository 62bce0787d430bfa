import { rowFilterOf } from '../../src/config/table-settings.ts';
import { FirstLook } from '../../src/sync/tables/first-look.ts';
import type { Logger } from 'pino';
import { openDataverse, type Dataverse, type DataverseOptions } from '../../src/dataverse/dataverse.ts';
import { readOrganization } from '../../src/dataverse/metadata/environment.ts';
import { DataverseEmulator, type EmulatorOptions } from '../../src/emulator/dataverse-emulator.ts';
import { describeError } from '../../src/model/error-description.ts';
import { APPLY_ALL, type DriftPolicy } from '../../src/mirror/table/drift.ts';
import type { LabelWishes } from '../../src/mirror/labels/label-store.ts';
import { openMirrorDatabase } from '../../src/mirror/database.ts';
import { DEFAULT_ROW_POLICY } from '../../src/mirror/quarantine/row-policy.ts';
import { readDifferences, type RecordedDifference } from '../../src/mirror/verify/verify-records.ts';
import { repairDifferences } from '../../src/sync/verify/repair.ts';
import { openMirror } from '../../src/mirror/mirror.ts';
import type { FeedWish } from '../../src/mirror/feed/log-triggers.ts';
import type { HistoryWish } from '../../src/mirror/history/expired-records.ts';
import type { SweepLimits } from '../../src/mirror/deletes/sweep-limits.ts';
import { lookAtEnvironment } from '../../src/sync/watch/environment-watch.ts';
import { LabelKeeper } from '../../src/sync/watch/label-keeper.ts';
import { ExpectedRows } from '../../src/sync/load/expected-rows.ts';
import { FileWorker, type FileWorkerOptions } from '../../src/sync/files/file-worker.ts';
import type { FileWishes } from '../../src/model/files/file-place.ts';
import type { LoadWatch } from '../../src/sync/load/load-watch.ts';
import { LeaseKeeper } from '../../src/sync/lease/lease-keeper.ts';
import type { Places } from '../../src/timing/places.ts';
import { syncOnce } from '../../src/sync/sync-once.ts';
import { createStateMemory } from '../../src/sync/tables/state-memory.ts';
import { ALL_COLUMNS, type ColumnSelection } from '../../src/sync/tables/table-selection.ts';
import type { RunResult } from '../../src/sync/run/run-outcome.ts';
import {
  TableJob,
  type RunOptions,
  type TableJobParts,
  type TableSettings,
} from '../../src/sync/run/table-job.ts';
import type { VerifyMethod } from '../../src/mirror/verify/verify-records.ts';
import {
  verifyTable,
  type VerificationParts,
  type VerificationResult,
} from '../../src/sync/verify/table-verification.ts';
import { jobToVerify } from '../../src/sync/verify/verified-table.ts';
import { assertNoLeak, leaks, leaksInState, ROW_CANARY, SearchedLog, secretsOf } from './canaries.ts';
import { freshDatabase, type DatabaseRole, type TestDatabase } from './database.ts';
import { mirrorOptions, never } from './mirror.ts';

const TOKEN = 'emulator-token';
/** Of pino's levels. */
const WARNING = 40;

export interface SyncOptions {
  readonly pageSize?: number;
  readonly indexesLookups?: boolean;
  readonly softDeletes?: boolean;
  readonly feed?: FeedWish;
  readonly history?: HistoryWish;
  readonly partitions?: number;
  /** `postgres.distribution: citus` */
  readonly isDistributed?: boolean;
  readonly mode?: 'changes' | 'snapshot';
  readonly columns?: Partial<ColumnSelection>;
  /** The filter of rows, of all tables or of some. */
  readonly rows?: string | Readonly<Record<string, string>>;
  /** A filter of FetchXML, of all tables. */
  readonly fetchxml?: string;
  readonly drift?: Partial<DriftPolicy>;
  readonly labels?: LabelWishes;
  /** Told the text of each warning and error of the jobs. */
  readonly warn?: (message: string) => void;
  readonly leaseDuration?: number;
  /** Who it is to the leases; all sessions are one process without it. */
  readonly holder?: string;
  /** Another way to the same database, such as through a proxy. */
  readonly databaseUrl?: string;
  /** Another client than that of the bench; closed with the session. */
  readonly dataverse?: Dataverse;
  readonly loads?: Places;
  /** Asks the environment how many rows a load will bring. */
  readonly counts?: boolean;
  readonly loadWatch?: LoadWatch;
  readonly sweep?: SweepLimits;
  /** Of hashed columns. */
  readonly hashKey?: string;
}

/** The jobs of one process. */
export interface SyncSession extends AsyncDisposable {
  sync(run?: RunOptions, signal?: AbortSignal): Promise<RunResult[]>;
  /** Looks at the environment, as the daemon does every hour. */
  look(): Promise<void>;
  /** The differences of a table that are on record. */
  differences(name: string): Promise<readonly RecordedDifference[]>;
  /** Repairs the differences of a table that are on record, however many they are. */
  repair(name: string): Promise<number>;
  /** What fetches the bodies of the tables with `columns.files`. */
  files(wishes: FileWishes, more?: Partial<FileWorkerOptions>): FileWorker;
  /** Verifies one of the tables. */
  verify(
    table: string,
    method: VerifyMethod,
    parts?: Partial<VerificationParts>,
    signal?: AbortSignal,
  ): Promise<VerificationResult>;
}

/** An emulator, a database, and passes of the daemon's own jobs between the two, in this process. */
export class SyncBench implements AsyncDisposable {
  readonly emulator: DataverseEmulator;
  readonly database: TestDatabase;
  readonly url: string;
  private readonly secrets: readonly string[];
  private readonly log: SearchedLog;
  private readonly warningLogs: SearchedLog[] = [];
  /** What failures had that they must not have. */
  private readonly inFailures: string[] = [];

  private constructor(emulator: DataverseEmulator, database: TestDatabase, url: string) {
    this.emulator = emulator;
    this.database = database;
    this.url = url;
    this.secrets = secretsOf({ DATAVERSE_ACCESS_TOKEN: TOKEN, DATABASE_URL: database.url });
    this.log = new SearchedLog(this.secrets);
  }

  /** @param options what the emulator is to be; the built-in model without them. */
  static async open(options: EmulatorOptions = {}, role?: DatabaseRole): Promise<SyncBench> {
    const emulator = new DataverseEmulator({ seed: 11, ...options });
    emulator.settings.errorsQuote = ROW_CANARY;
    const [url, database] = await Promise.all([emulator.listen(), freshDatabase(role)]);
    return new SyncBench(emulator, database, url);
  }

  /** One pass over the tables, as a process of its own would make it: nothing is kept between two. */
  async sync(
    tables: readonly string[],
    options: SyncOptions = {},
    run: RunOptions = {},
    signal: AbortSignal = never,
  ): Promise<RunResult[]> {
    await using session = await this.session(tables, options);
    return await session.sync(run, signal);
  }

  /** What a process keeps from one pass to the next. */
  async session(tables: readonly string[], options: SyncOptions = {}): Promise<SyncSession> {
    const dataverse = options.dataverse ?? this.dataverse();
    const { databaseUrl = this.database.url, leaseDuration, labels: wishes, sweep, hashKey } = options;
    const stored = mirrorOptions(databaseUrl, {
      ...(leaseDuration === undefined ? {} : { leaseDuration }),
      ...(wishes === undefined
        ? {}
        : { labels: { ...wishes, isDistributed: options.isDistributed ?? false } }),
      ...(options.isDistributed === true ? { isDistributed: true } : {}),
      ...(sweep === undefined ? {} : { sweep }),
      ...(hashKey === undefined ? {} : { rows: { ...DEFAULT_ROW_POLICY, hashKey } }),
    });
    const database = openMirrorDatabase(stored, this.log.logger);
    const mirror = await openMirror(
      database,
      stored,
      {
        url: this.url,
        organizationId: this.emulator.store.organizationId,
        linkLifeDays: 7,
        language: 1033,
      },
      tables,
    );
    // As every command asks before it reads any metadata. If the environment does not answer, the jobs say so.
    const { metadataVersion } = await readOrganization(dataverse.client, never).catch(
      (): { readonly metadataVersion?: string } => ({}),
    );
    if (metadataVersion !== undefined) dataverse.metadata.observe(metadataVersion);
    dataverse.metadata.remember(createStateMemory({ mirror, userId: undefined, names: tables }));
    const labels =
      mirror.labels === undefined ? undefined : new LabelKeeper(mirror.labels, dataverse, this.log.logger);
    const shared = labels === undefined ? {} : { labels };
    const { logger } = this.log;
    const { inFailures, secrets } = this;
    const settings = tables.map((name) => settingsOf(name, options));
    const firstLook = new FirstLook({ dataverse, mirror, holder: holderOf(options) }, settings);
    const expected = options.counts === true ? { expected: new ExpectedRows(dataverse.client) } : {};
    const parts = { dataverse, mirror, firstLook, ...shared, ...expected };
    const jobs = settings.map((table) => this.job(table, parts, options));
    return {
      async sync(run = {}, signal = never) {
        const results = await syncOnce(jobs, 8, () => run, signal);
        inFailures.push(...leaks(JSON.stringify(results.map(said)), secrets));
        await labels?.makeViews();
        return results;
      },
      async look() {
        await lookAtEnvironment(dataverse, mirror, logger, never);
      },
      differences: async (name) => (await readDifferences(mirror.store, name, 1_000)).differences,
      async repair(name) {
        const leases = new LeaseKeeper(mirror, holderOf(options), logger);
        const wanted = settings.find((each) => each.name === name) ?? settingsOf(name, options);
        return repairDifferences(wanted, { dataverse, mirror, leases, logger }, () => true, never);
      },
      files: (how, more = {}) =>
        new FileWorker({
          dataverse,
          mirror,
          holder: holderOf(options),
          wishes: () => how,
          tables: () => settings,
          requestsPer5Minutes: () => 100_000,
          proxy: undefined,
          logger,
          lookEvery: 50,
          ...more,
        }),
      async verify(name, method, given = {}, signal = never) {
        const job = jobs.find((each) => each.settings.name === name);
        if (job === undefined) throw new Error(`${name} is no table of this session.`);
        return verifyTable(
          jobToVerify(job),
          method,
          { dataverse, mirror, holder: holderOf(options), ...given },
          signal,
        );
      },
      async [Symbol.asyncDispose]() {
        await database.close();
        await dataverse.close();
      },
    };
  }

  dataverse({ limits, ...options }: Partial<DataverseOptions> = {}): Dataverse {
    return openDataverse(
      {
        url: this.url,
        signIn: { method: 'access-token', token: TOKEN },
        limits: { requestsPer5Minutes: 100_000, concurrency: 8, requestTimeout: 30_000, ...limits },
        userAgent: 'test',
        ...options,
      },
      this.log.logger,
    );
  }

  private job(
    settings: TableSettings,
    parts: Pick<TableJobParts, 'dataverse' | 'mirror' | 'labels' | 'firstLook' | 'expected'>,
    options: SyncOptions,
  ): TableJob {
    return new TableJob(settings, {
      ...parts,
      ...(options.loads === undefined ? {} : { loads: options.loads }),
      ...(options.loadWatch === undefined ? {} : { loadWatch: options.loadWatch }),
      leases: new LeaseKeeper(parts.mirror, holderOf(options), this.log.logger),
      logger: this.loggerFor(options),
    });
  }

  private loggerFor({ warn }: SyncOptions): Logger {
    if (warn === undefined) return this.log.logger;
    const log = new SearchedLog(this.secrets, ({ level, msg }) => {
      if (level >= WARNING) warn(msg);
    });
    this.warningLogs.push(log);
    return log.logger;
  }

  /** Requests for rows of a table, metadata left out. */
  dataRequests(table?: string): number {
    const kinds = ['baseline', 'delta', 'next', 'row', 'list'] as const;
    return kinds.reduce(
      (sum, kind) => sum + this.emulator.requests.count({ kind, ...(table === undefined ? {} : { table }) }),
      0,
    );
  }

  /** @throws Error when a secret, a link or a row that is marked was logged, told or recorded. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.emulator.close();
    const inState = await leaksInState(this.database, this.secrets);
    await this.database.drop();
    assertNoLeak([...inState, ...this.inFailures]);
    for (const log of [this.log, ...this.warningLogs]) log.assertClean();
  }
}

/** All that is told of a failure. */
function said({ failure }: RunResult): unknown {
  if (failure === null) return null;
  const { code, message, remedy, details } = failure;
  return { code, message, remedy, details, err: describeError(failure) };
}

/** Codes of the failures, by table. */
export function failures(results: readonly RunResult[]): Record<string, string> {
  return Object.fromEntries(
    results.flatMap(({ table, failure }) => (failure === null ? [] : [[table, failure.code]])),
  );
}

function settingsOf(name: string, options: SyncOptions): TableSettings {
  const rows = typeof options.rows === 'string' ? options.rows : options.rows?.[name];
  return {
    name,
    mode: options.mode ?? 'changes',
    columns: { ...ALL_COLUMNS, ...options.columns },
    drift: { ...APPLY_ALL, ...options.drift },
    softDeletes: options.softDeletes ?? false,
    indexesLookups: options.indexesLookups ?? false,
    feed: options.feed ?? 'off',
    ...(options.history === undefined ? {} : { history: options.history }),
    ...(rows === undefined ? {} : { rows: rowFilterOf(rows) }),
    ...(options.fetchxml === undefined ? {} : { rows: rowFilterOf({ fetchxml: options.fetchxml }) }),
    ...(options.partitions === undefined ? {} : { partitions: options.partitions }),
    pageSize: options.pageSize ?? 5_000,
  };
}

function holderOf({ holder = 'test' }: SyncOptions): string {
  return holder;
}
