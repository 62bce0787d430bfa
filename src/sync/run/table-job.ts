import type { Logger } from 'pino';
import type { Dataverse } from '../../dataverse/dataverse.ts';
import { withMissingGrants } from '../../mirror/connection/grants.ts';
import type { LabelWishes } from '../../mirror/labels/label-store.ts';
import type { Mirror } from '../../mirror/mirror.ts';
import type { MirrorTable } from '../../mirror/table/mirror-table.ts';
import { NEW_CHECKPOINT } from '../../model/checkpoint.ts';
import { failureFields, toFailure, type Failure } from '../../model/failure.ts';
import { withLease, type LeaseParts } from '../lease/held-lease.ts';
import type { LeaseKeeper } from '../lease/lease-keeper.ts';
import type { ExpectedRows } from '../load/expected-rows.ts';
import type { LoadWatch } from '../load/load-watch.ts';
import type { Places } from '../../timing/places.ts';
import { TableIndexes } from '../tables/table-indexes.ts';
import { TablePreparation, type TableWishes } from '../tables/table-preparation.ts';
import type { LabelKeeper } from '../watch/label-keeper.ts';
import { type RunWatch, reachOf } from '../watch/outage-log.ts';
import type { FirstLook, FoundStanding } from '../tables/first-look.ts';
import { OthersRuns, restingTable, type RestingTable } from './idle-poll.ts';
import {
  quarantinedAfter,
  recordResult,
  recordTrouble,
  tellResult,
  type OutcomeParts,
  type RunResult,
} from './run-outcome.ts';
import type { RunTrace, Tracing } from '../watch/run-trace.ts';
import { meteredRun, type MeteredRun, type RunMeter } from '../watch/run-meter.ts';
import { hasFoundChanges, type RunProgress } from './run-progress.ts';
import { pageSource, TableRun, type RunEnd } from './table-run.ts';

/** A configured table. */
export interface TableSettings extends TableWishes {
  readonly pageSize: number;
  /** The labels and views that are wanted: after a change of them the table is prepared anew. */
  readonly labels?: LabelWishes;
}

export interface RunOptions {
  /** Re-baseline, whatever the checkpoint says. */
  readonly restart?: boolean;
  /**
   * When the run fell due, by `performance.now()`. The run has nothing to do when another process has
   * brought the table up to date since.
   */
  readonly dueAt?: number;
  readonly onPage?: (progress: RunProgress) => void;
}

export interface TableJobParts {
  readonly dataverse: Dataverse;
  readonly mirror: Mirror;
  readonly leases: LeaseKeeper;
  readonly logger: Logger;
  /** Keeps labels and views in step; without it there are none. */
  readonly labels?: LabelKeeper;
  /** Places for loads; without them a load begins whenever it is due. */
  readonly loads?: Places;
  /** Hears how the runs go, and says how loud they may be; without it every failure is told. */
  readonly watch?: RunWatch;
  /** Adds up what the runs do; without it nothing is added up. */
  readonly meter?: RunMeter | undefined;
  /** Asks how many rows loads will bring; without it they are not known. */
  readonly expected?: ExpectedRows;
  /** Hears how the loads go. */
  readonly loadWatch?: LoadWatch;
  /** Makes a span of each run; undefined without an SDK of OpenTelemetry. */
  readonly tracing?: Tracing | undefined;
  /** Finds tables that no preparation would change; without it the first run prepares each table. */
  readonly firstLook?: FirstLook;
}

/** The job of one table, with what the process remembers of it from run to run. */
export class TableJob {
  readonly settings: TableSettings;
  private readonly parts: TableJobParts;
  private readonly leaseParts: LeaseParts;
  private readonly preparation: TablePreparation;
  private readonly indexes: TableIndexes;
  private readonly outcomes: OutcomeParts;
  private readonly others = new OthersRuns();
  /** The table as the last run left it; undefined where a poll of the link alone would not do. */
  private resting: RestingTable | undefined;
  private isFirst = true;
  /** The table as the first look found it, for the first run. */
  private found: FoundStanding | undefined;

  constructor(settings: TableSettings, parts: TableJobParts) {
    this.settings = settings;
    this.parts = parts;
    const { mirror, leases, dataverse } = parts;
    const logger = parts.logger.child({ table: settings.name });
    const { requestCounts } = dataverse.client;
    const onWait = (text: string): void => parts.loadWatch?.waiting(settings.name, text);
    this.leaseParts = { mirror, leases, logger, requestCounts, onWait };
    this.preparation = new TablePreparation(settings, parts);
    this.indexes = new TableIndexes(settings.indexesLookups === true, mirror, this.leaseParts, logger);
    this.outcomes = { store: mirror.store, logger, watch: parts.watch };
  }

  /**
   * Brings the table up to date. It never throws for what happens to the table: the result says so, the
   * state table records it, and other tables go on.
   *
   * @throws the signal's reason when aborted; the page under way is finished or rolled back first.
   */
  async run(options: RunOptions, signal: AbortSignal): Promise<RunResult> {
    const { tracing } = this.parts;
    if (tracing === undefined) return this.perform(options, signal);
    return tracing.run(this.settings.name, async (trace) => this.perform(options, signal, trace));
  }

  private async perform(options: RunOptions, signal: AbortSignal, trace?: RunTrace): Promise<RunResult> {
    const start = performance.now();
    const { name: table } = this.settings;
    await this.lookFirst(options, signal);
    const metered = meteredRun(this.parts.meter, table);
    const run = this.createRun(options, start, metered, trace);
    const {
      outcome,
      failure: ended,
      resting,
    } = await run.run(signal).catch((error: unknown): RunEnd => {
      signal.throwIfAborted();
      // A defect of ours stops the table that met it, and no other.
      return { outcome: 'failed', failure: toFailure(error), resting: undefined };
    });
    const failure = ended === null ? null : await this.failed(ended, run, start);
    const { progress } = run;
    const milliseconds = Math.round(performance.now() - start);
    const quarantined = await quarantinedAfter(this.parts.mirror.store, table, progress);
    this.resting = failure === null && quarantined === 0 ? resting : undefined;
    const changed = this.others.runEnded(progress) || hasFoundChanges(progress);
    const deferred = outcome === 'deferred';
    const result = { table, ...progress, milliseconds, failure, deferred, changed, quarantined };
    await recordResult(this.outcomes, result);
    tellResult(this.outcomes, result);
    metered?.ended(result);
    if (failure === null && !deferred) await this.indexes.keep(this.preparation.indexes, signal);
    this.parts.loadWatch?.ended(result);
    return result;
  }

  /**
   * Makes the mirror table fit the source's metadata, and nothing else; the next run fills it.
   *
   * @throws Failure
   */
  async prepare(signal: AbortSignal): Promise<void> {
    const { leaseParts, preparation, settings } = this;
    await withLease(leaseParts, settings.name, signal, async (lease) => preparation.make(lease, signal));
  }

  /**
   * The mirror table, made to fit the source's metadata, for somebody who only reads it. A person may have changed the
   * table since a run prepared it, and no idle run looks at its columns. So the table is prepared again, by the
   * environment's definition if that can be read.
   *
   * @returns undefined if a run must first bring rows or values that are missing now.
   * @throws Failure
   */
  async open(signal: AbortSignal): Promise<MirrorTable | undefined> {
    const { leaseParts, preparation, settings } = this;
    return withLease(leaseParts, settings.name, signal, async (lease) => {
      preparation.forget();
      preparation.askAgain();
      const { mirror, created, refills } = await preparation.make(lease, signal);
      return created || refills ? undefined : mirror;
    });
  }

  /** Makes the first run poll a table that is as the last process left it, and that no preparation would change. */
  private async lookFirst({ restart }: RunOptions, signal: AbortSignal): Promise<void> {
    const { settings, parts, others, isFirst } = this;
    this.isFirst = false;
    const { firstLook, dataverse } = parts;
    if (!isFirst || firstLook === undefined || restart === true || settings.mode !== 'changes') return;
    const found = await firstLook.find(settings, signal);
    if (found === undefined) return;
    const { table, link, selection } = found;
    const checkpoint = { ...NEW_CHECKPOINT, phase: 'delta' as const, link, selection };
    const source = pageSource({ dataverse, mode: settings.mode, pageSize: settings.pageSize }, table);
    this.resting = restingTable({ table, source }, checkpoint);
    this.found = found;
    others.begin(found);
  }

  private createRun(
    options: RunOptions,
    start: number,
    metered: MeteredRun | undefined,
    trace: RunTrace | undefined,
  ): TableRun {
    const { settings, parts, leaseParts, preparation, others, resting } = this;
    this.resting = undefined;
    const { restart = false } = options;
    const isFound = this.found !== undefined;
    const fence = this.found?.fence ?? others.expectedFence;
    this.found = undefined;
    const isResting =
      !restart && resting !== undefined && (isFound || preparation.isSettled(resting.selection));
    const run: TableRun = new TableRun({
      ...leaseParts,
      table: settings.name,
      mode: settings.mode,
      pageSize: settings.pageSize,
      dataverse: parts.dataverse,
      preparation,
      others,
      resting: isResting && fence !== undefined ? { ...resting, fence } : undefined,
      loads: parts.loads,
      expected: parts.expected,
      watch: parts.loadWatch,
      restart,
      dueAt: options.dueAt,
      trace,
      onPage: (progress) => {
        parts.watch?.progressed(settings.name);
        metered?.progressed(progress);
        options.onPage?.(progress);
      },
      onTrouble: async (failure, wait) => this.troubled(failure, wait, run, start),
    });
    return run;
  }

  /** The database is in trouble, and the run waits for it. */
  private async troubled(failure: Failure, wait: number, run: TableRun, start: number): Promise<void> {
    const loudness = this.parts.watch?.failed(this.settings.name, failure) ?? 'warn';
    this.outcomes.logger[loudness](
      { ...failureFields(failure), wait },
      `${failure.message} The run goes on when it can.`,
    );
    // PostgreSQL answers, so that `status` may know before the run has given up.
    if (reachOf(failure) === 'room') await this.record(failure, run, start);
  }

  /** Records the failure, and has the next run look at definition and mirror table again. */
  private async failed(ended: Failure, run: TableRun, start: number): Promise<Failure> {
    // Somebody may take a privilege away at any time: the remedy names the GRANT.
    const failure = await withMissingGrants(this.parts.mirror, ended);
    this.preparation.forget();
    if (failure.reaction === 'stop-table') {
      this.parts.dataverse.metadata.forget(this.settings.name);
      this.preparation.askAgain();
    }
    await this.record(failure, run, start);
    return failure;
  }

  private async record(failure: Failure, run: TableRun, start: number): Promise<void> {
    const failed = { fence: run.fence, milliseconds: performance.now() - start };
    await recordTrouble(this.outcomes, this.settings.name, failure, failed);
  }
}
