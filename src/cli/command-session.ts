import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Config, TableConfig } from '../config/config.ts';
import { openDataverse, type Dataverse } from '../dataverse/dataverse.ts';
import type { RequestWatch } from '../dataverse/http/request-watch.ts';
import { readEnvironment, readOrganization } from '../dataverse/metadata/environment.ts';
import { findState } from '../mirror/state/environments.ts';
import { readKnownTables } from '../mirror/state/known-tables.ts';
import { openMirror, type Mirror } from '../mirror/mirror.ts';
import { consented } from '../mirror/table/drift.ts';
import { withServices } from '../timing/services.ts';
import { tellReplaced } from '../sync/watch/environment-watch.ts';
import { LabelKeeper } from '../sync/watch/label-keeper.ts';
import type { FileWorkerOptions } from '../sync/files/file-worker.ts';
import { ExpectedRows } from '../sync/load/expected-rows.ts';
import { LeaseKeeper } from '../sync/lease/lease-keeper.ts';
import { createStateMemory } from '../sync/tables/state-memory.ts';
import { registerTables } from '../mirror/lease/leases.ts';
import { DayLimit } from '../sync/watch/day-limit.ts';
import { Replicas } from '../sync/schedule/replicas.ts';
import { SharedBudget, shareTimes } from '../sync/watch/shared-budget.ts';
import { identityDigest, recordRequests } from '../sync/watch/request-record.ts';
import { openTracing, type Tracing } from '../sync/watch/run-trace.ts';
import { throttleRecorder } from '../sync/watch/throttle-record.ts';
import { hasPatterns, knownResolution, readResolution } from '../sync/tables/read-resolution.ts';
import { isOfMetadata } from '../sync/tables/source-definition.ts';
import { TableJob, type TableJobParts } from '../sync/run/table-job.ts';
import type { Resolution, TableChoice } from '../sync/tables/table-resolution.ts';
import { DatabaseSession, present } from './database-session.ts';
import { mirrorOptions, tableSettings } from './mirror-settings.ts';
import { instruct } from './sign-in/instruct.ts';
import { version } from './commands/version.ts';

/** What a command has opened that reads or changes the mirror of an environment. */
export class CommandSession extends DatabaseSession {
  private dataverseOpened: Dataverse | undefined;
  private mirrorOpened: Mirror | undefined;
  private replicasOpened: Replicas | undefined;
  private userId: string | undefined;
  private tracing: Tracing | undefined;
  private readonly reconfigured = new EventTarget();
  private expectedRows: ExpectedRows | undefined;
  /** Is told how each request went. It is set before the first call of `dataverse`. */
  requestWatch: RequestWatch | undefined;
  /** Called each time that the environment wants no requests for a while, with the milliseconds from now. */
  readonly throttleListeners: ((milliseconds: number) => void)[] = [];
  private readonly onThrottle = (milliseconds: number): void => {
    for (const listen of this.throttleListeners) listen(milliseconds);
  };

  /** Calls `listener` after each change of the configuration, until the signal is aborted. */
  onReconfigured(listener: () => void, signal: AbortSignal): void {
    this.reconfigured.addEventListener('change', listener, { signal });
  }

  /** Goes on with another configuration. It has checked that nothing has changed that needs a restart. */
  reconfigure(config: Config): void {
    this.useConfig(config);
    const { logger } = this.context;
    logger.level = config.logLevel;
    this.dataverseOpened?.changeLimits(config.limits);
    this.mirrorOpened?.change(mirrorOptions(config, this.mirrorOpened.options.url));
    this.reconfigured.dispatchEvent(new Event('change'));
  }

  dataverse(): Dataverse {
    if (this.dataverseOpened !== undefined) return this.dataverseOpened;
    const { config, logger } = this.context;
    const { url, apiVersion, signIn } = present(config.dataverse);
    const dataverse = openDataverse(
      {
        url,
        apiVersion,
        signIn,
        proxy: config.proxy,
        instruct: (sentence) => instruct(this.context, sentence),
        limits: config.limits,
        userAgent: `mirrorverse/${version()}`,
        onThrottle: this.onThrottle,
        watch: this.requestWatch,
      },
      logger,
    );
    this.onClose(async () => dataverse.close());
    this.dataverseOpened = dataverse;
    return dataverse;
  }

  /** The tables that the configuration means. */
  choice(): TableChoice<TableConfig> {
    const { tables, leftOut } = this.context.config;
    return { entries: tables, leftOut };
  }

  /**
   * The tables to mirror in this environment. It is asked only if the configuration has patterns. If it cannot
   * answer, the tables that are mirrored already are used.
   *
   * @param options `opensMirror`: the command opens the mirror anyway. It is opened first then, because its state may
   *   have the list of the environment's tables.
   * @throws Failure
   */
  async resolution({ opensMirror = false } = {}): Promise<Resolution<TableConfig>> {
    const { logger, signal } = this.context;
    if (opensMirror && hasPatterns(this.choice())) await this.mirror([]);
    let resolution: Resolution<TableConfig>;
    try {
      resolution = await readResolution(this.dataverse(), this.choice(), signal);
    } catch (error) {
      signal.throwIfAborted();
      const known = isOfMetadata(error) ? await this.knownTables() : [];
      if (!isOfMetadata(error) || known.length === 0) throw error;
      const { code, remedy, message } = error;
      const text = `The tables of the environment cannot be listed. The tables that are mirrored already go on. ${message}`;
      logger.warn({ code, remedy }, text);
      return knownResolution(this.choice(), known);
    }
    for (const pattern of resolution.idlePatterns) {
      logger.warn({ pattern }, `The pattern ${pattern} fits no table of the environment.`);
    }
    return resolution;
  }

  /** Tables that have state here; none if the database has no state or cannot be read. */
  private async knownTables(): Promise<readonly string[]> {
    if (this.context.config.postgres === undefined) return [];
    try {
      const state = await findState(await this.database());
      if (state === undefined) return [];
      const known = await readKnownTables(state.store);
      return known.flatMap(({ table, errorCode }) => (errorCode === 'table-removed' ? [] : [table]));
    } catch {
      // The opening of the mirror says what is wrong with the database.
      return [];
    }
  }

  /**
   * Signs in, migrates the state schema and opens the mirror at the first call. Each call gives the tables their state.
   *
   * @throws Failure
   */
  async mirror(tables: readonly TableConfig[]): Promise<Mirror> {
    const names = tables.map((table) => table.name);
    if (this.mirrorOpened === undefined) this.mirrorOpened = await this.openMirror(names);
    else await registerTables(this.mirrorOpened.store, names);
    const mirror = this.mirrorOpened;
    this.dataverse().metadata.remember(createStateMemory({ mirror, userId: this.userId, names }));
    return mirror;
  }

  private async openMirror(names: readonly string[]): Promise<Mirror> {
    const { signal, logger } = this.context;
    const { client, metadata, budget } = this.dataverse();
    const database = await this.database();
    // Both are asked at once. The failure of the first one counts: it says more about address and sign-in.
    const reading = readOrganization(client, signal);
    reading.catch(() => undefined);
    const { userId, ...environment } = await readEnvironment(client, signal);
    const { metadataVersion, ...organization } = await reading;
    if (metadataVersion !== undefined) metadata.observe(metadataVersion);
    const seen = { ...environment, ...organization };
    const mirror = await openMirror(database, await this.mirrorOptions(), seen, names);
    this.userId = userId;
    tellReplaced(mirror.environment, logger);
    if (mirror.grantsLeft.length > 0) {
      const text = `Roles of operators or readers lack a privilege. An administrator has to run: ${mirror.grantsLeft.join(' ')}`;
      logger.warn({ statements: mirror.grantsLeft }, text);
    }
    const { store } = mirror;
    const identity = identityDigest(environment.organizationId, userId);
    const process = leaseHolder();
    const replicas = (this.replicasOpened = new Replicas(process, store));
    const shared = new SharedBudget({
      store,
      budget,
      identity,
      process,
      replicas,
      limits: () => this.context.config.limits,
      logger,
      times: shareTimes(mirror.options.leaseDuration),
    });
    // Without a share, the mirror is opened once more. So nothing that must be there once is made before.
    await shared.join();
    this.onClose(async () => shared.close());
    this.throttleListeners.push(throttleRecorder(store, logger), () => shared.renewNow());
    const tracing = openTracing(version());
    if (tracing !== undefined) this.onClose(async () => tracing.flush());
    this.tracing = tracing;
    const record = recordRequests({ store, identity, gauges: budget.gauges, logger });
    this.onClose(record.close);
    const limit = (): number | undefined => this.context.config.limits.requestsPerDay;
    const day = new DayLimit({ store, budget, limit, unrecorded: record.unrecorded, logger });
    this.onClose(async () => day.close());
    this.reconfigured.addEventListener('change', () => void day.look());
    await day.look();
    return mirror;
  }

  /** The daemons that mirror the same tables; undefined before the mirror is open. */
  get replicas(): Replicas | undefined {
    return this.replicasOpened;
  }

  /** @param options `consent`: a person has allowed the changes that the drift policy asks about. */
  job(
    mirror: Mirror,
    leases: LeaseKeeper,
    table: TableConfig,
    options: Pick<TableJobParts, 'labels' | 'loads' | 'watch' | 'meter' | 'firstLook' | 'loadWatch'> & {
      readonly consent?: boolean;
    } = {},
  ): TableJob {
    const settings = tableSettings(this.context.config, table);
    const drift = options.consent === true ? consented(settings.drift) : settings.drift;
    const { consent: _, ...shared } = options;
    const { tracing } = this;
    const dataverse = this.dataverse();
    const expected = (this.expectedRows ??= new ExpectedRows(dataverse.client));
    const parts = { dataverse, mirror, leases, logger: this.context.logger, expected, tracing };
    return new TableJob({ ...settings, drift }, { ...parts, ...shared });
  }

  /** How the bodies of files are fetched, as the configuration says now. */
  fileWishes(): Pick<FileWorkerOptions, 'wishes' | 'requestsPer5Minutes' | 'proxy'> {
    return {
      wishes: () => this.context.config.files,
      requestsPer5Minutes: () => this.context.config.limits.requestsPer5Minutes,
      proxy: this.context.config.proxy,
    };
  }

  /** Runs `work` with leases that are renewed until it has ended. */
  async withLeases<T>(mirror: Mirror, work: (leases: LeaseKeeper) => Promise<T>): Promise<T> {
    const { logger, signal } = this.context;
    const leases = new LeaseKeeper(mirror, leaseHolder(), logger);
    return withServices([async (stop) => leases.run(stop)], async () => work(leases), signal);
  }

  /** The keeper of labels and views, if the configuration wants labels. */
  labels(mirror: Mirror): { readonly labels?: LabelKeeper } {
    return mirror.labels === undefined ? {} : { labels: this.changingLabels(mirror) };
  }

  /** The keeper of labels and views, which follows the configuration when it changes. */
  changingLabels(mirror: Mirror): LabelKeeper {
    const { logger, signal } = this.context;
    const details = (): boolean => this.context.config.compatibility.synapseLink !== undefined;
    const keeper = new LabelKeeper(mirror.labels, this.dataverse(), logger, details());
    this.onReconfigured(() => keeper.change(mirror.labels, details()), signal);
    return keeper;
  }
}

/** The name of this process in leases. It is unique, and a person can read it. */
export function leaseHolder(): string {
  return `${hostname()}/${process.pid}/${randomUUID().slice(0, 8)}`;
}
