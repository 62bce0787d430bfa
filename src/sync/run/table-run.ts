import { isDeepStrictEqual } from 'node:util';
import type { Dataverse } from '../../dataverse/dataverse.ts';
import { createChangeFeed, type PageSource } from '../../dataverse/feed/change-feed.ts';
import { createFullRead } from '../../dataverse/feed/full-read.ts';
import { explainRefusal } from '../../dataverse/feed/refused-columns.ts';
import { withTrackingHint } from '../../dataverse/metadata/change-tracking.ts';
import { tablePaused } from '../../mirror/control/pauses.ts';
import { erasureRefused } from '../../mirror/deletes/marked-rows.ts';
import { readCheckpoint } from '../../mirror/lease/leases.ts';
import type { PageWriter } from '../../mirror/page/page-writer.ts';
import { forgetSelection } from '../../mirror/state/checkpoints.ts';
import { NEW_CHECKPOINT, type Checkpoint } from '../../model/checkpoint.ts';
import { toFailure, type Failure } from '../../model/failure.ts';
import type { PlainPage } from '../../model/page.ts';
import { selectionOf, type Table } from '../../model/table.ts';
import { sleep } from '../../timing/sleep.ts';
import { holdLease, type HeldLease, type LeaseParts } from '../lease/held-lease.ts';
import { LoadTracker, type LoadTrackerParts } from '../load/load-tracker.ts';
import type { Places } from '../../timing/places.ts';
import type { PreparedTable, TablePreparation } from '../tables/table-preparation.ts';
import { lookAfterRewind } from '../watch/environment-watch.ts';
import type { RunTrace } from '../watch/run-trace.ts';
import { isIdle, restingTable, type OthersRuns, type RestingTable } from './idle-poll.ts';
import { fetchPage, Paging, underWay, type Prefetch } from './paging.ts';
import { examineRefusedSweep } from './refused-sweep.ts';
import { databaseRest, type Circumstances } from './repairs.ts';
import { NO_PROGRESS, withIdlePoll, type RunProgress } from './run-progress.ts';
import { newRun, type Note, type Outcome, type RunEvent, type RunState, type Step } from './run-state.ts';
import { needsHighestVersion, next } from './steps.ts';

export interface RunParts extends LeaseParts, LoadTrackerParts {
  readonly mode: 'changes' | 'snapshot';
  readonly pageSize: number;
  readonly dataverse: Dataverse;
  readonly preparation: TablePreparation;
  readonly others: OthersRuns;
  /** The table as it rests since its last run; undefined where the run needs the lease. */
  readonly resting: (RestingTable & { readonly fence: bigint }) | undefined;
  /** Places for loads; without them a load begins whenever it is due. */
  readonly loads: Places | undefined;
  /** Load the table anew, whatever the checkpoint says. */
  readonly restart: boolean;
  /** When the run fell due, by `performance.now()`. */
  readonly dueAt: number | undefined;
  /** Makes spans of what the run does; undefined without an SDK of OpenTelemetry. */
  readonly trace: RunTrace | undefined;
  /** Told after each stored page. */
  readonly onPage: (progress: RunProgress) => void;
  /** Told each trouble of the database that the run waits for, and for how many milliseconds it waits. */
  readonly onTrouble: (failure: Failure, wait: number) => Promise<void>;
}

export interface RunEnd {
  readonly outcome: Outcome;
  readonly failure: Failure | null;
  /** The table as the next run may poll it without the lease. */
  readonly resting: RestingTable | undefined;
}

/** What a run reads and writes with, once the mirror table fits the definition. */
interface OpenTable {
  readonly table: Table;
  readonly writer: PageWriter;
  readonly source: PageSource;
  readonly paging: Paging;
}

/**
 * One run of one table: performs the steps that steps.ts decides on, and reports what came of each. Above
 * src/dataverse this loop is the only place that tries anything again.
 */
export class TableRun {
  progress: RunProgress = NO_PROGRESS;
  /** The fence by which the run last held the lease; undefined while it never did. */
  fence: bigint | undefined;
  private readonly parts: RunParts;
  private readonly load: LoadTracker;
  private state: RunState;
  private held: HeldLease | undefined;
  private leaseIsReleased = false;
  private prepared: OpenTable | undefined;
  private polled: { readonly table: Table; readonly page: Prefetch } | undefined;
  private resting: RestingTable | undefined;
  private loadPlace: (() => void) | undefined;

  constructor(parts: RunParts) {
    this.parts = parts;
    this.load = new LoadTracker(parts);
    this.state = newRun(parts.mode, parts.restart);
  }

  /**
   * Runs to the end.
   *
   * @throws the signal's reason when aborted; the page under way is stored or rolled back first.
   */
  async run(signal: AbortSignal): Promise<RunEnd> {
    let event: RunEvent = { is: 'begun', canPoll: this.parts.resting !== undefined };
    try {
      for (;;) {
        const { state, step } = next(this.state, event);
        this.state = state;
        this.progress = { ...this.progress, phase: state.phase };
        if (this.parts.trace !== undefined) this.parts.trace.phase = state.phase;
        if (step.do === 'end') return { ...step, resting: this.resting };
        try {
          event = await this.perform(step, signal);
        } catch (error) {
          signal.throwIfAborted();
          if (this.held === undefined) this.parts.preparation.forget();
          event = { is: 'failed', failure: toFailure(error), circumstances: this.circumstances(step) };
          this.dropPages();
        }
        // A load that finds no place has not begun, so there is nothing to tell.
        if (event.is !== 'no-place') this.tell(step.notes);
      }
    } finally {
      this.dropPages();
      await this.leave();
    }
  }

  private async perform(step: Exclude<Step, { do: 'end' }>, signal: AbortSignal): Promise<RunEvent> {
    switch (step.do) {
      case 'poll':
        return this.poll(signal);
      case 'acquire':
        return this.acquire(signal);
      case 'prepare':
        return this.prepare(step.from, step.loadAnew, signal);
      case 'fetch': {
        const { paging, writer } = this.ready();
        if (!step.fetch.loads || this.mayLoad()) this.load.fetching(step.fetch);
        const page = await paging.receive(step.fetch, signal);
        if (page === undefined) return { is: 'no-place' };
        const { link } = page;
        const highest = needsHighestVersion(this.state, link) ? await writer.highestVersion() : null;
        return { is: 'fetched', link, highest };
      }
      case 'store': {
        const { paging, table, source } = this.ready();
        const { result, progress } = await paging.store(step.page, step.ahead, this.progress, signal);
        this.progress = progress;
        this.parts.onPage(progress);
        const { refusedSweep, wishes } = result;
        if (step.page.finished && refusedSweep === null) {
          this.leaseIsReleased = true;
          if (this.parts.mode === 'changes') {
            this.resting = restingTable({ table, source }, step.page.advance.checkpoint);
          }
        }
        const paused = wishes.isPaused ? tablePaused(this.parts.table, wishes) : null;
        return { is: 'stored', refusedSweep, paused, resync: wishes.resync };
      }
      case 'look-around':
        if (step.checkpoint !== null) await this.ready().writer.rewind(step.checkpoint, signal);
        await lookAfterRewind(this.parts.dataverse, this.parts.mirror, this.parts.logger, signal);
        return { is: 'looked-around' };
      case 'examine-sweep': {
        const { source, writer } = this.ready();
        const failure = await examineRefusedSweep(step.refused, step.loadedIn, source, writer, signal);
        return { is: 'failed', failure, circumstances: this.circumstances(step) };
      }
      case 'wait-for-database': {
        await this.leave();
        this.parts.preparation.forget();
        const wait = databaseRest(step.failure, step.attempt, Math.random());
        await this.parts.onTrouble(step.failure, wait);
        await sleep(wait, signal);
        return { is: 'waited' };
      }
      case 'restore-state': {
        await this.leave();
        const { mirror, table, logger, preparation } = this.parts;
        if (await mirror.restoreState([table]))
          logger.warn('The state schema was gone; it has been made anew.');
        preparation.forget();
        return { is: 'state-restored' };
      }
      case 'read-definition': {
        const { failure } = step;
        const changed = await this.definitionHasChanged(signal);
        return { is: 'definition-read', changed, failure, circumstances: this.circumstances(step) };
      }
      case 'defer': {
        const { mirror, preparation } = this.parts;
        if (step.forgetSelection) await forgetSelection(mirror.store, this.taken().lease);
        // The next run looks at the table again, for instance whether it has rows by then.
        preparation.forget();
        return { is: 'deferred' };
      }
      case 'explain':
        await this.closeTable();
        return { is: 'explained', failure: await this.explained(step.failure, signal) };
    }
  }

  /** Follows the link of a resting table without its lease, and stores that nothing has changed. */
  private async poll(signal: AbortSignal): Promise<RunEvent> {
    const { resting, others, mirror, requestCounts, table: name, trace } = this.parts;
    if (resting === undefined) throw new TypeError('The table does not rest.');
    const { table, link, selection, source, fence } = resting;
    // The run has read no checkpoint, and only tables that follow changes rest.
    if (trace !== undefined) trace.phase = 'delta';
    // It is awaited right here, so nothing has to stop it but the signal: one more would cost each poll.
    const follow = async (): Promise<PlainPage> => source.follow(link, 'delta', signal);
    const page = underWay(link.url, fetchPage(trace, follow, signal));
    this.polled = { table, page };
    // A failure is not told here. The run takes the lease, and meets the failure when it fetches this page.
    const came = await page.page.catch(() => undefined);
    if (came === undefined || !isIdle(table, link, came)) return { is: 'polled', rests: false };
    const requests = requestCounts.of(name);
    const run = { table: name, fence, selection, followed: link.url, link: came.link.url, requests };
    const store = async (): Promise<boolean> => mirror.storeIdleRun(run, signal);
    const isStored = await (trace === undefined ? store() : trace.step('page.store', signal, store, () => 0));
    if (!isStored) return { is: 'polled', rests: false };
    requestCounts.recorded(name, requests);
    others.idlePollStored();
    this.dropPages();
    this.resting = { table, source, selection, link: came.link };
    this.progress = withIdlePoll(this.progress, requests);
    this.parts.onPage(this.progress);
    return { is: 'polled', rests: true };
  }

  private async acquire(signal: AbortSignal): Promise<RunEvent> {
    const { parts } = this;
    await this.leave();
    this.held = await holdLease(parts, parts.table, signal);
    const { taken } = this.held;
    this.load.leaseTaken(taken.load);
    this.fence = taken.lease.fence;
    this.progress = { ...this.progress, quarantined: taken.quarantined };
    const othersMayHaveRun = parts.others.leaseTaken(taken, this.progress);
    if (taken.quarantined > 0) parts.preparation.askAgain();
    // Two spans of time rather than two moments: the clocks here and in the database may differ.
    const waited = parts.dueAt === undefined ? 0 : performance.now() - parts.dueAt;
    const age = taken.successAge;
    // An age below zero says that the database's clock was set back, and nothing else.
    const isCurrent = othersMayHaveRun && age !== null && age >= 0 && age < waited;
    return { is: 'acquired', checkpoint: taken.checkpoint, isCurrent, resync: taken.resync };
  }

  /** Makes the mirror table fit the source's definition, and opens what the run reads and writes with. */
  private async prepare(from: 'lease' | 'store', loadAnew: boolean, signal: AbortSignal): Promise<RunEvent> {
    const { preparation, mirror, table: name } = this.parts;
    const taken = this.taken();
    await this.closeTable();
    // Before a load `compare` must see that the selection differs: it then reads the newest metadata.
    if (from === 'store' && !loadAnew) preparation.forget();
    const stored = from === 'lease' ? taken.checkpoint : await this.storedCheckpoint();
    const checkpoint = loadAnew ? { ...stored, selection: null } : stored;
    await preparation.compare(checkpoint.selection, signal);
    const ready = await preparation.make(taken.lease, signal);
    this.progress = { ...this.progress, rowsDeleted: this.progress.rowsDeleted + ready.erased };
    this.load.prepared(this.parts.mode === 'changes' || this.parts.restart || checkpoint.selection === null);
    const writer = mirror.writer(ready.mirror, taken.lease, {
      isOutdated: () => preparation.isOutdated,
      feed: preparation.feed,
      history: preparation.hasHistory,
    });
    this.open(ready, writer);
    const hasSeenKeys = checkpoint.phase !== 'rebaseline' || (await writer.hasSeenKeys());
    const { table } = ready.mirror;
    return {
      is: 'prepared',
      stored: checkpoint,
      surroundings: {
        selection: selectionOf(table),
        entitySet: table.entitySet,
        created: ready.created,
        refills: ready.refills,
        hasRows: ready.hasRows,
        isVirtual: table.isVirtual === true,
        hasSeenKeys,
        linkAge: taken.linkAge,
        linkLifeDays: mirror.environment.linkLifeDays,
      },
      pendingFailure: ready.waiting === null ? undefined : erasureRefused(name, ready.waiting),
    };
  }

  private open({ mirror }: PreparedTable, writer: PageWriter): void {
    const { table } = mirror;
    const source = this.source(table);
    const { requestCounts, table: name, trace } = this.parts;
    const { load } = this;
    const mayLoad = (): boolean => this.mayLoad();
    const parts = { table: name, source, writer, requestCounts, load, mayLoad, trace };
    // If the definition has changed since, the page that the poll fetched has other columns. The first look and the
    // preparation make the same table twice.
    const ahead = isDeepStrictEqual(this.polled?.table, table) ? this.polled?.page : undefined;
    if (ahead === undefined) this.polled?.page.cancel();
    this.polled = undefined;
    this.prepared = { table, writer, source, paging: new Paging(parts, ahead) };
  }

  private source(table: Table): PageSource {
    return pageSource(this.parts, table);
  }

  /** Whether a load may go on. The run keeps its place among the loads until it closes the table. */
  private mayLoad(): boolean {
    const { loads } = this.parts;
    if (loads === undefined) return true;
    this.loadPlace ??= loads.take() ?? undefined;
    return this.loadPlace !== undefined;
  }

  /**
   * Whether a request may have been refused because the table is no longer what its definition said: a
   * link keeps its selection, and the environment refuses a link that names a column which is gone.
   */
  private async definitionHasChanged(signal: AbortSignal): Promise<boolean> {
    const { preparation, dataverse, table } = this.parts;
    await this.closeTable();
    // The selection that was refused. A page may have told of a change since, so the definition may be newer.
    const before = preparation.selection;
    dataverse.metadata.forget(table);
    const { mirror, refills } = await preparation.make(this.taken().lease, signal);
    return refills || (before !== undefined && before !== selectionOf(mirror.table));
  }

  /** The failure, with its reason where the environment tells one. */
  private async explained(failure: Failure, signal: AbortSignal): Promise<Failure> {
    const { dataverse, preparation, mode, table: name } = this.parts;
    const tracked = mode === 'changes';
    const hinted = tracked ? await withTrackingHint(dataverse, name, failure, signal) : failure;
    const { table } = preparation;
    if (table === undefined) return hinted;
    return toFailure(await explainRefusal(dataverse.client, table, tracked, hinted, signal));
  }

  private circumstances(step: Step): Circumstances {
    const { preparation, dataverse } = this.parts;
    const { table } = preparation;
    const refused = table === undefined ? [] : dataverse.client.refusedColumns.of(table);
    const isReading =
      ['fetch', 'examine-sweep', 'look-around'].includes(step.do) ||
      (step.do === 'store' && this.parts.mode === 'snapshot');
    return { isReading, metadataChanged: preparation.isOutdated, columnsAreRefused: refused.length > 0 };
  }

  /** Where the table stands by now: the run may have stored pages since it took the lease. */
  private async storedCheckpoint(): Promise<Checkpoint> {
    const { mirror, table } = this.parts;
    return (await readCheckpoint(mirror.store, table)) ?? NEW_CHECKPOINT;
  }

  private ready(): OpenTable {
    if (this.prepared === undefined) throw new TypeError('The table is not prepared.');
    return this.prepared;
  }

  private taken(): HeldLease['taken'] {
    if (this.held === undefined) throw new TypeError('The lease is not held.');
    return this.held.taken;
  }

  private dropPages(): void {
    this.polled?.page.cancel();
    this.polled = undefined;
    this.prepared?.paging.close();
  }

  /** Gives back the pages, the writer's connection, and the place among the loads. */
  private async closeTable(): Promise<void> {
    const { prepared } = this;
    this.prepared = undefined;
    prepared?.paging.close();
    await prepared?.writer.close();
    this.loadPlace?.();
    this.loadPlace = undefined;
  }

  /** Gives back everything that the run holds. The page that an idle poll fetched stays for the holder of the lease. */
  private async leave(): Promise<void> {
    await this.closeTable();
    const { held } = this;
    this.held = undefined;
    await held?.giveBack(this.leaseIsReleased);
    this.leaseIsReleased = false;
  }

  private tell(notes: readonly Note[] = []): void {
    for (const { level, message, fields = {} } of notes) this.parts.logger[level](fields, message);
  }
}

/** What the pages of a table are read with. */
export function pageSource(
  { dataverse, mode, pageSize }: Pick<RunParts, 'dataverse' | 'mode' | 'pageSize'>,
  table: Table,
): PageSource {
  const observe = (version: string): void => dataverse.metadata.observe(version);
  const create = mode === 'snapshot' ? createFullRead : createChangeFeed;
  return create(dataverse.client, table, pageSize, observe);
}
