import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { Dataverse } from '../../dataverse/dataverse.ts';
import type { ProxySettings } from '../../dataverse/network/proxy-settings.ts';
import { countFiles, nextFile, type FileCounts } from '../../mirror/files/file-queue.ts';
import type { FileWork } from '../../mirror/files/file-queue.ts';
import { ensureFileView } from '../../mirror/files/file-view.ts';
import type { Mirror } from '../../mirror/mirror.ts';
import { LogThrottle } from '../../log/log-throttle.ts';
import { failureFields, toFailure, type Failure } from '../../model/failure.ts';
import { placeName, type FileWishes } from '../../model/files/file-place.ts';
import { restAfter } from '../../timing/back-off.ts';
import { Places } from '../../timing/places.ts';
import { sleep } from '../../timing/sleep.ts';
import type { TableWishes } from '../tables/table-preparation.ts';
import { CountedWork } from '../verify/counted-work.ts';
import { sharePace, type Pace } from '../verify/share-pace.ts';
import { fetchFile, type FetchParts } from './file-fetch.ts';
import { FileTables, type FileTable } from './file-tables.ts';
import { TurnLost, withFileTurn, type FileTurn } from './file-turn-keeper.ts';
import { removeSomeUnused } from './remove-unused.ts';
import type { BodyStore } from './store/body-store.ts';
import { createBodyStore } from './store/create-body-store.ts';
import { clearSpool } from './store/spool.ts';

export interface FileWorkerOptions {
  readonly dataverse: Pick<Dataverse, 'client' | 'budget'>;
  readonly mirror: Pick<Mirror, 'pool' | 'schema' | 'stateSchema' | 'store' | 'options'>;
  /** The name of this process. */
  readonly holder: string;
  /** How bodies are kept; undefined if no table wants any. Asked before each look. */
  readonly wishes: () => FileWishes | undefined;
  /** The tables of this process; those with `columns.files` have bodies. */
  readonly tables: () => readonly TableWishes[];
  readonly requestsPer5Minutes: () => number;
  readonly proxy: ProxySettings | undefined;
  readonly logger: Logger;
  /** Milliseconds between two looks. */
  readonly lookEvery?: number;
}

/** What a single pass did. */
export interface FilePass extends FileCounts {
  /** Bodies that the pass stored. */
  readonly fetched: number;
  /** Why the pass ended early; null if it did all that it could. */
  readonly failure: Failure | null;
}

const LOOK_EVERY = 5_000;

/**
 * Fetches the bodies of files and images one after another, behind everything else and within a share of the limits, and
 * removes those that nothing names any more. Of several processes one does that for an environment.
 */
export class FileWorker {
  private readonly options: FileWorkerOptions;
  private readonly work: FileWork;
  private readonly tables: FileTables;
  private readonly troubles: LogThrottle;
  private readonly lookEvery: number;
  private opened: { readonly wishes: FileWishes; readonly store: BodyStore } | undefined;
  private open: ReadonlyMap<string, FileTable> = new Map();
  private hasView = false;
  private readonly storing = new Places(1);
  private readonly pace: Pace;

  constructor(options: FileWorkerOptions) {
    this.options = options;
    const { mirror, holder, logger, lookEvery = LOOK_EVERY } = options;
    const { pool, schema, stateSchema, store } = mirror;
    this.work = { pool, schema, stateSchema, store, holder };
    this.tables = new FileTables(this.work, logger);
    this.troubles = new LogThrottle(logger);
    this.lookEvery = lookEvery;
    this.pace = sharePace(() => options.wishes()?.share ?? 1, options.requestsPer5Minutes);
  }

  /** Works until aborted. It never throws for what happens to bodies. */
  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      let rest = this.lookEvery;
      try {
        const wishes = this.options.wishes();
        if (wishes !== undefined && this.wished().length > 0) await this.keep(wishes, signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) break;
        if (!(error instanceof TurnLost)) {
          const failure = toFailure(error);
          rest = Math.max(rest, restAfter(failure, ++failures));
          this.tell(failure);
        }
      }
      await sleep(rest, signal).catch(() => undefined);
    }
    this.close();
  }

  /**
   * Looks at the tables once, and fetches all bodies that are due, as fast as the budget lets it.
   *
   * @returns undefined if another process fetches the bodies, or if none are wanted.
   * @throws Failure of the database; the signal's reason when aborted.
   */
  async once(signal: AbortSignal): Promise<FilePass | undefined> {
    const wishes = this.options.wishes();
    if (wishes === undefined || this.wished().length === 0) return undefined;
    const store = this.storeFor(wishes);
    const progress = { fetched: 0 };
    try {
      const done = await this.inTurn(async (turn) => {
        await this.tidy(store, wishes, turn, true);
        for (;;) {
          const result = await this.fetchNext(store, turn, undefined);
          if (result === 'none') return null;
          if (result === 'stored') progress.fetched++;
          else if (result !== 'dropped' && result.failed.code === 'source-unavailable') return result.failed;
        }
      }, signal);
      if (done === undefined) return undefined;
      return { ...(await this.counts()), ...progress, failure: done.value };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof TurnLost) return undefined;
      const failure = toFailure(error);
      if (failure.code !== 'files-place-unusable') throw failure;
      return { ...(await this.counts()), ...progress, failure };
    } finally {
      this.close();
    }
  }

  /** Looks and fetches while this process has the turn, until nothing is left to do or something fails. */
  private async keep(wishes: FileWishes, signal: AbortSignal): Promise<void> {
    const store = this.storeFor(wishes);
    await this.inTurn(async (turn) => {
      await clearSpool(store.spoolFolder);
      const stop = new AbortController();
      const either = { ...turn, signal: AbortSignal.any([turn.signal, stop.signal]) };
      // A large body takes hours, and meanwhile rows go whose bodies have to go too.
      const results = await Promise.allSettled(
        [this.keepTidy(store, wishes, either), this.keepFetching(store, wishes, either)].map(async (loop) =>
          loop.finally(() => stop.abort()),
        ),
      );
      for (const result of results) {
        if (result.status === 'rejected' && !stopped(result.reason, stop.signal)) throw result.reason;
      }
    }, signal);
  }

  private async keepTidy(store: BodyStore, wishes: FileWishes, turn: FileTurn): Promise<void> {
    while (this.isCurrent(wishes)) {
      await this.tidy(store, wishes, turn, false);
      await sleep(this.lookEvery, turn.signal);
    }
  }

  private async keepFetching(store: BodyStore, wishes: FileWishes, turn: FileTurn): Promise<void> {
    let troubles = 0;
    while (this.isCurrent(wishes)) {
      const isDaySpent = this.options.dataverse.budget.isDaySpent();
      const result = isDaySpent ? 'none' : await this.fetchNext(store, turn, this.pace);
      const isAway = typeof result === 'object' && result.failed.code === 'source-unavailable';
      troubles = isAway ? troubles + 1 : 0;
      if (isAway) await sleep(restAfter(result.failed, troubles), turn.signal);
      if (result === 'none') await sleep(this.lookEvery, turn.signal);
    }
  }

  private async tidy(store: BodyStore, wishes: FileWishes, turn: FileTurn, isUrgent: boolean): Promise<void> {
    this.open = await this.tables.look(this.wished(), wishes.deletes, isUrgent, turn.signal);
    // The schema of the mirror tables is there when one of them has been loaded.
    if (!this.hasView && this.open.size > 0) {
      await ensureFileView(this.work);
      this.hasView = true;
    }
    const root = placeName(wishes.to);
    const remove = async (): Promise<number> => removeSomeUnused(this.work, store, root, turn);
    while ((await this.storing.hold(turn.signal, remove)) > 0);
  }

  private async fetchNext(
    store: BodyStore,
    turn: FileTurn,
    pace: Pace | undefined,
  ): Promise<'none' | Awaited<ReturnType<typeof fetchFile>>> {
    const { dataverse } = this.options;
    const root = this.opened === undefined ? '' : placeName(this.opened.wishes.to);
    const wanted = [...this.open].flatMap(([table, { columns }]) =>
      columns.map(({ name: column }) => ({ table, column })),
    );
    const file = await nextFile(this.work, wanted, root);
    const table = file && this.open.get(file.table);
    if (file === undefined || table === undefined) return 'none';
    const parts: FetchParts = {
      work: this.work,
      client: dataverse.client,
      store,
      storing: this.storing,
      around: async (name, request) =>
        (await new CountedWork(name, dataverse, pace, 'files').run(turn.signal, request)).value,
    };
    const result = await fetchFile(parts, table, file, turn);
    if (typeof result === 'object') {
      const { failed } = result;
      this.troubles.tell(
        `${file.table} ${failed.code}`,
        { table: file.table, column: file.column, ...failureFields(failed) },
        `A body could not be fetched. ${failed.message} Others go on, and this one is tried again by itself.`,
      );
    }
    return result;
  }

  private async inTurn<T>(
    perform: (turn: FileTurn) => Promise<T>,
    signal: AbortSignal,
  ): Promise<{ readonly value: T } | undefined> {
    return withFileTurn(this.work, this.options.mirror.options.leaseDuration, perform, signal);
  }

  private wished(): readonly TableWishes[] {
    return this.options.tables().filter(({ columns }) => columns.files !== undefined);
  }

  private async counts(): Promise<FileCounts> {
    return countFiles(
      this.work,
      this.work.store,
      this.wished().map(({ name }) => name),
    );
  }

  private isCurrent(wishes: FileWishes): boolean {
    return isDeepStrictEqual(this.options.wishes(), wishes);
  }

  private storeFor(wishes: FileWishes): BodyStore {
    if (this.opened !== undefined && isDeepStrictEqual(this.opened.wishes, wishes)) return this.opened.store;
    this.close();
    const store = createBodyStore(wishes.to, this.options.proxy);
    this.opened = { wishes, store };
    return store;
  }

  private close(): void {
    this.opened?.store.close();
    this.opened = undefined;
  }

  private tell(failure: Failure): void {
    this.troubles.tell(
      failure.code,
      failureFields(failure),
      `Bodies of files wait. ${failure.message} They are tried again by itself.`,
    );
  }
}

/** Whether an error only tells that the other loop has ended. */
function stopped(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted && error === signal.reason;
}
