import type { Logger } from 'pino';
import { createChangeFeed, type ChangeFeed } from '../../dataverse/feed/change-feed.ts';
import { explained } from '../../dataverse/metadata/change-tracking.ts';
import type { Dataverse } from '../../dataverse/dataverse.ts';
import { createFullRead } from '../../dataverse/feed/full-read.ts';
import { withMissingGrants } from '../../mirror/table/grants.ts';
import { erasureRefused } from '../../mirror/deletes/marked-rows.ts';
import type { Mirror } from '../../mirror/mirror.ts';
import type { PageWriter } from '../../mirror/page/page-writer.ts';
import { forgetSelection } from '../../mirror/state/checkpoints.ts';
import type { Taken } from '../../mirror/lease/leases.ts';
import { isLoading, type Checkpoint } from '../../model/checkpoint.ts';
import { type Failure, failureFields, toFailure } from '../../model/failure.ts';
import { selectionOf, type Table } from '../../model/table.ts';
import { lookAfterRewind } from '../watch/environment-watch.ts';
import { pollIdle, restingTable, type IdlePoll, type RestingTable } from './idle-poll.ts';
import type { LabelKeeper } from '../watch/label-keeper.ts';
import type { LeaseKeeper } from '../lease/lease-keeper.ts';
import {
  quarantinedAfter,
  recordResult,
  recordTrouble,
  tellResult,
  type OutcomeParts,
  type RunResult,
} from './run-outcome.ts';
import type { RunWatch } from '../watch/run-watch.ts';
import { waitForLease } from '../lease/lease-wait.ts';
import type { LoadPlaces } from '../schedule/load-places.ts';
import { OthersRuns } from '../lease/others-runs.ts';
import { countIdlePoll, hasFoundChanges, type PassProgress } from './pass-progress.ts';
import { runPass, type PassOptions } from './pass.ts';
import type { PolledPage } from './polled-page.ts';
import { recovering } from './recovery.ts';
import { requestMeter, type RequestMeter } from './request-meter.ts';
import { withSecondLook, type SecondLookParts } from './second-look.ts';
import { runSnapshot, snapshotStart } from './snapshot-pass.ts';
import { startingPoint } from './starting-point.ts';
import { withStateRestored } from './state-restored.ts';
import { reachOf } from '../watch/trouble-reach.ts';
import { TablePreparation, type Ready, type TableWishes } from '../tables/table-preparation.ts';
import { usableCheckpoint } from './usable-checkpoint.ts';
import { giveBack, withLease } from '../lease/with-lease.ts';

/** A configured table. */
export interface TableSettings extends TableWishes {
  readonly pageSize: number;
}

export interface RunOptions {
  /** Re-baseline, whatever the checkpoint says. */
  readonly restart?: boolean;
  /**
   * When the run fell due, by `performance.now()`: there is nothing to do when another process has
   * brought the table up to date since.
   */
  readonly dueAt?: number;
  readonly onPage?: (progress: PassProgress) => void;
}

export interface TableJobParts {
  readonly dataverse: Dataverse;
  readonly mirror: Mirror;
  readonly leases: LeaseKeeper;
  readonly logger: Logger;
  /** Keeps labels and views in step; without it there are none. */
  readonly labels?: LabelKeeper;
  /** Room for loads; without it a load begins whenever it is due. */
  readonly loads?: LoadPlaces;
  /** Hears how the runs go, and says how loud they may be; without it every failure is told. */
  readonly watch?: RunWatch;
}

/** A run's options, with what it knows already. */
interface RunWork extends RunOptions {
  readonly polled?: PolledPage;
}

/** The job of one table; a run of it brings the table up to date. */
export class TableJob {
  readonly settings: TableSettings;
  private readonly dataverse: Dataverse;
  private readonly mirror: Mirror;
  private readonly leases: LeaseKeeper;
  private readonly logger: Logger;
  private readonly loads: LoadPlaces | undefined;
  private readonly watch: RunWatch | undefined;
  private readonly preparation: TablePreparation;
  private readonly outcomes: OutcomeParts;
  private readonly requests: RequestMeter;
  private readonly others = new OthersRuns();
  /** By which the run under way has last held the lease. */
  private fence: bigint | undefined;
  /** As the last run left it; undefined where the next one has more to look at than its link. */
  private resting: RestingTable | undefined;

  constructor(settings: TableSettings, parts: TableJobParts) {
    this.settings = settings;
    this.dataverse = parts.dataverse;
    this.mirror = parts.mirror;
    this.leases = parts.leases;
    this.loads = parts.loads;
    this.watch = parts.watch;
    this.logger = parts.logger.child({ table: settings.name });
    this.preparation = new TablePreparation(settings, parts);
    this.requests = requestMeter(parts.dataverse.client.requestCounts, settings.name);
    this.outcomes = { store: parts.mirror.store, logger: this.logger, watch: parts.watch };
  }

  /**
   * One run. It never throws for what happens to the table: the result says so, the state table
   * records it, and other tables go on.
   *
   * @throws the signal's reason when aborted; the page under way is finished or rolled back first.
   */
  async run(options: RunOptions, signal: AbortSignal): Promise<RunResult> {
    const start = performance.now();
    const progress: PassProgress = {
      phase: 'new',
      pages: 0,
      rowsRead: 0,
      rowsWritten: 0,
      rowsDeleted: 0,
      rowsQuarantined: 0,
      requests: 0,
    };
    let failure: Failure | null = null;
    let deferred = false;
    this.fence = undefined;
    try {
      const onPage = (done: PassProgress): void => {
        this.watch?.progressed(this.settings.name);
        options.onPage?.(done);
      };
      deferred = !(await this.untilDone({ ...options, onPage }, progress, start, signal));
    } catch (error) {
      signal.throwIfAborted();
      failure = await this.withStatements(toFailure(error));
      await this.failed(failure, start);
    }
    const milliseconds = Math.round(performance.now() - start);
    const quarantined = await quarantinedAfter(this.mirror.store, this.settings.name, progress);
    if (failure !== null || quarantined > 0) this.resting = undefined;
    const changed = this.others.runEnded(progress) || hasFoundChanges(progress);
    const { name: table } = this.settings;
    const result = { table, ...progress, milliseconds, failure, deferred, changed, quarantined };
    await recordResult(this.outcomes, result);
    tellResult(this.outcomes, result);
    return result;
  }

  /**
   * Makes the mirror table fit the source's metadata, and nothing else: what it then takes to fill it
   * is the next run's.
   *
   * @throws Failure
   */
  async prepare(signal: AbortSignal): Promise<void> {
    const { mirror, leases, logger, preparation, requests } = this;
    await withLease({ mirror, leases, logger, requests }, this.settings.name, signal, async (lease) =>
      preparation.make(lease, signal),
    );
  }

  /**
   * Goes on after troubles of the database, from what is stored.
   *
   * @returns false when there was no place for the load that is due.
   */
  private async untilDone(
    options: RunOptions,
    progress: PassProgress,
    start: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    const onTrouble = async (failure: Failure, wait: number): Promise<void> => {
      this.preparation.forget();
      const loudness = this.watch?.failed(this.settings.name, failure) ?? 'warn';
      this.logger[loudness](
        { ...failureFields(failure), wait },
        `${failure.message} The run goes on when it can.`,
      );
      // PostgreSQL answers, so that `status` may know before the run has given up.
      if (reachOf(failure) === 'room') await this.record(failure, start);
    };
    return recovering(
      async () => withStateRestored(this.parts(), async () => this.once(options, progress, signal)),
      { progress: () => progress.pages, onTrouble },
      signal,
    );
  }

  /** @returns false when there was no place for the load that is due. */
  private async once(options: RunOptions, progress: PassProgress, signal: AbortSignal): Promise<boolean> {
    const poll = await this.poll(options, signal);
    if (poll === undefined) return this.underLease(options, progress, signal);
    if (poll.rests) {
      countIdlePoll(progress, poll.requests);
      options.onPage?.(progress);
      return true;
    }
    const { polled } = poll;
    try {
      return await this.underLease({ ...options, polled }, progress, signal);
    } finally {
      polled.release();
    }
  }

  /** Polls the table without its lease; undefined where the run has more to do than that. */
  private async poll(options: RunOptions, signal: AbortSignal): Promise<IdlePoll | undefined> {
    const { resting, preparation, mirror, requests } = this;
    const fence = this.others.fenceAlone;
    this.resting = undefined;
    if (resting === undefined || fence === undefined || options.restart === true) return undefined;
    if (!preparation.isSettled(resting.selection)) return undefined;
    const poll = await pollIdle({ feed: this.feed(resting.table), mirror, requests }, resting, fence, signal);
    if (poll.rests) {
      this.resting = { ...resting, link: poll.link };
      this.others.ranAlone();
    }
    return poll;
  }

  /** @returns false when there was no place for the load that is due. */
  private async underLease(options: RunWork, progress: PassProgress, signal: AbortSignal): Promise<boolean> {
    const { mirror, settings } = this;
    const taken = await waitForLease(mirror, settings.name, this.leases.holder, signal, this.logger);
    if (progress.pages === 0) progress.phase = taken.checkpoint.phase;
    progress.quarantined = taken.quarantined;
    this.fence = taken.lease.fence;
    const othersMayHaveRun = this.others.leaseTaken(taken, progress);
    this.leases.keep(taken.lease);
    let givenBack = false;
    try {
      // Two spans of time rather than two moments: the clocks here and in the database may differ.
      const waited = options.dueAt === undefined ? 0 : performance.now() - options.dueAt;
      const age = taken.successAge;
      // Below zero the database's clock was set back, and says nothing.
      if (othersMayHaveRun && age !== null && age >= 0 && age < waited) return true;
      // With the checkpoint of its last page.
      givenBack = await this.pass(taken, options, progress, signal);
      return givenBack;
    } finally {
      this.leases.drop(taken.lease);
      const { logger, requests } = this;
      if (!givenBack) await giveBack({ mirror, logger, requests }, taken.lease);
    }
  }

  /** @returns false when there was no place for the load that is due. */
  private async pass(
    taken: Taken,
    options: RunWork,
    progress: PassProgress,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (taken.quarantined > 0) this.preparation.askAgain();
    return withSecondLook(
      this.parts(),
      taken,
      async (checkpoint) => {
        // A load that was asked for has begun once a page of it is stored.
        const restart = options.restart === true && progress.pages === 0;
        return this.attempt(taken, checkpoint, { ...options, restart }, progress, signal);
      },
      signal,
    );
  }

  private parts(): SecondLookParts {
    const { settings, mirror, dataverse, preparation, logger } = this;
    const tracked = settings.mode === 'changes';
    return { table: settings.name, mirror, dataverse, preparation, tracked, logger };
  }

  private async attempt(
    taken: Taken,
    checkpoint: Checkpoint,
    options: RunWork,
    progress: PassProgress,
    signal: AbortSignal,
  ): Promise<boolean> {
    await this.preparation.compare(checkpoint.selection, signal);
    const ready = await this.preparation.make(taken.lease, signal);
    progress.rowsDeleted += ready.erased;
    const writer = this.mirror.writer(ready.mirror, taken.lease, () => this.preparation.isOutdated);
    try {
      const start = await this.start(ready, { ...taken, checkpoint }, writer, options);
      if (progress.pages === 0) progress.phase = start.phase;
      let place: (() => void) | null | undefined;
      // Once one is taken it is kept to the end of the run.
      const mayLoad = (): boolean => (place ??= this.loads?.take()) !== null;
      try {
        const { requests } = this;
        const work = { writer, start, linkBefore: checkpoint.link, progress, requests, mayLoad, ...options };
        if (isLoading(start) && !mayLoad()) return this.deferred();
        if (await this.read(ready.mirror.table, work, signal)) {
          // Everything else is stored by now.
          if (ready.waiting !== null) throw erasureRefused(this.settings.name, ready.waiting);
          return true;
        }
        // That a load is due is to be known before the next request, not by its being refused again.
        await forgetSelection(this.mirror.store, taken.lease);
        return this.deferred();
      } finally {
        place?.();
      }
    } finally {
      await writer.close();
    }
  }

  /** Whether there are rows, for one, is to be looked at when there is a place. */
  private deferred(): false {
    this.preparation.forget();
    return false;
  }

  private async start(
    ready: Ready,
    taken: Taken,
    writer: PageWriter,
    options: RunOptions,
  ): Promise<Checkpoint> {
    const selection = selectionOf(ready.mirror.table);
    if (this.settings.mode === 'snapshot') return snapshotStart(selection, ready.hasRows);
    const stored = await usableCheckpoint(taken, ready, {
      linkLifeDays: this.mirror.environment.linkLifeDays,
      hasSeenKeys: async () => writer.hasSeenKeys(),
      logger: this.logger,
    });
    return startingPoint(stored, selection, { restart: options.restart === true, hasRows: ready.hasRows });
  }

  /**
   * Reads what is to be read of the source, by the table's mode.
   *
   * @returns false when there was no place for the load that it takes.
   */
  private async read(
    table: Table,
    work: Omit<PassOptions, 'feed' | 'logger' | 'onRewound'> & RunWork,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { dataverse, logger } = this;
    const { pageSize, mode, name } = this.settings;
    if (mode === 'snapshot') {
      const read = createFullRead(dataverse.client, table, pageSize, this.observe);
      await runSnapshot({ ...work, read, logger }, signal);
      return true;
    }
    const feed = work.polled?.ahead(this.feed(table), table) ?? this.feed(table);
    const onRewound = async (either: AbortSignal): Promise<void> =>
      lookAfterRewind(dataverse, this.mirror, logger, either);
    const onUpToDate = (at: Checkpoint): void => {
      this.resting = restingTable(table, at);
    };
    return explained(dataverse, name, signal, async () =>
      runPass({ ...work, feed, logger, onRewound, onUpToDate }, signal),
    );
  }

  private feed(table: Table): ChangeFeed {
    return createChangeFeed(this.dataverse.client, table, this.settings.pageSize, this.observe);
  }

  private readonly observe = (version: string): void => this.dataverse.metadata.observe(version);

  /** A privilege may be taken away at any time: its GRANT is told. */
  private async withStatements(failure: Failure): Promise<Failure> {
    const { pool, options } = this.mirror;
    return withMissingGrants(pool, [options.schema, options.stateSchema], failure);
  }

  /** What this process believed of table and mirror may be what was wrong: look again next time. */
  private async failed(failure: Failure, start: number): Promise<void> {
    this.preparation.forget();
    if (failure.reaction === 'stop-table') {
      this.dataverse.metadata.forget(this.settings.name);
      this.preparation.askAgain();
    }
    await this.record(failure, start);
  }

  /** @param start of the run, by `performance.now()`. */
  private async record(failure: Failure, start: number): Promise<void> {
    const run = { fence: this.fence, milliseconds: performance.now() - start };
    await recordTrouble(this.outcomes, this.settings.name, failure, run);
  }
}
