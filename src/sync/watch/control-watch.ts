import type { Logger } from 'pino';
import { readWishes, tablePaused, type TableWishes } from '../../mirror/control/pauses.ts';
import type { StateStore } from '../../mirror/state/store.ts';
import { toFailure } from '../../model/failure.ts';
import { sleep } from '../../timing/sleep.ts';

/** Milliseconds between two looks. A process obeys within 5 s, and poolers pass no notification on. */
const BEAT = 2_000;

/** What people ask of one table, for its schedule. */
export interface TableControl {
  /** Whether the table is paused, as far as this process knows. The lease tells it exactly. */
  readonly isPaused: () => boolean;
  /** A run of the table has met a pause, maybe before the watch. */
  readonly paused: () => void;
  /**
   * Calls `call` when the table must run at once, because its pause is over or a new baseline is asked for.
   *
   * @returns ends the calls.
   */
  readonly listen: (call: () => void) => () => void;
}

/**
 * Looks every few seconds at what people ask of the tables, and at the nudges that other processes have passed on, with
 * one small statement for all of them. The watch lets
 * paused tables rest and calls tables that must run. It stops no run: a run learns of a pause and of a request for a
 * new baseline with each page that it stores.
 */
export class ControlWatch {
  private readonly store: StateStore;
  private readonly logger: Logger;
  private readonly onPaused: (tables: readonly string[]) => void;
  private readonly listeners = new Map<string, () => void>();
  private paused: ReadonlySet<string> = new Set();
  private told: ReadonlySet<string> = new Set();
  /** Requests for new baselines that a table was called for. A request that fails is tried again by the schedule. */
  private called: ReadonlyMap<string, string> = new Map();
  /** Nudges of other processes that this process knows already. */
  private passedOn: ReadonlyMap<string, string> = new Map();
  /** Told of each nudge that another process has passed on to this one. */
  onNudge: (table: string) => void = () => undefined;

  /** @param onPaused told which tables are paused, whenever that changes. */
  constructor(
    store: StateStore,
    logger: Logger,
    onPaused: (tables: readonly string[]) => void = () => undefined,
  ) {
    this.store = store;
    this.logger = logger;
    this.onPaused = onPaused;
  }

  of(table: string): TableControl {
    return {
      isPaused: () => this.paused.has(table),
      paused: () => (this.paused = new Set([...this.paused, table])),
      listen: (call) => {
        this.listeners.set(table, call);
        return () => {
          if (this.listeners.get(table) === call) this.listeners.delete(table);
        };
      },
    };
  }

  /** Looks until aborted. While the database does not answer, what was known last holds. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look().catch((error: unknown) => {
        // The runs of the tables tell what is wrong with the database.
        this.logger.debug({ code: toFailure(error).code }, 'Pauses could not be looked up.');
      });
      await sleep(BEAT, signal).catch(() => undefined);
    }
  }

  private async look(): Promise<void> {
    const { paused: before, called, told } = this;
    const asked = (await readWishes(this.store)).filter(({ table }) => this.listeners.has(table));
    const stopped = asked.filter(({ isPaused }) => isPaused);
    this.paused = new Set(stopped.map(({ table }) => table));
    // A table that is paused begins its new baseline when the pause is over, and is called then.
    const requests = asked.flatMap(({ table, isPaused, resync }): [string, string][] =>
      isPaused || resync === null ? [] : [[table, resync]],
    );
    this.called = new Map(requests);
    for (const wishes of stopped) {
      if (before.has(wishes.table)) continue;
      this.logger.info(
        { table: wishes.table, code: 'table-paused' },
        tablePaused(wishes.table, wishes).message,
      );
    }
    for (const table of before) {
      if (this.paused.has(table)) continue;
      this.logger.info({ table }, `Table ${table} goes on after a pause.`);
      this.listeners.get(table)?.();
    }
    for (const [table, request] of requests) {
      if (called.get(table) !== request) this.listeners.get(table)?.();
    }
    this.tellNudges(asked);
    if (stopped.length !== told.size || stopped.some(({ table }) => !told.has(table))) {
      this.told = this.paused;
      this.onPaused([...this.paused]);
    }
  }

  private tellNudges(asked: readonly TableWishes[]): void {
    const known = this.passedOn;
    const nudges = asked.flatMap(({ table, nudge }): [string, string][] =>
      nudge === null ? [] : [[table, nudge]],
    );
    this.passedOn = new Map(nudges);
    for (const [table, nudge] of nudges) {
      if (known.get(table) !== nudge) this.onNudge(table);
    }
  }
}
