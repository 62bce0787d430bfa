import { isDeepStrictEqual } from 'node:util';
import type { Places } from '../../timing/places.ts';
import type { RunResult } from '../run/run-outcome.ts';
import type { RunOptions, TableJob, TableSettings } from '../run/table-job.ts';
import { abortable, untilAborted } from '../../timing/sleep.ts';
import type { ControlWatch } from '../watch/control-watch.ts';
import type { Replicas } from './replicas.ts';
import { keepSchedule, type RunOutcome } from './table-schedule.ts';

interface RunningTable {
  readonly job: TableJob;
  readonly schedule: string;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
  /** Asks for a run that begins after the call. */
  readonly runNow: () => Promise<RunResult>;
  /** Asks for a run because of a nudge. */
  readonly poll: (dueAt: number) => boolean;
}

/**
 * What a run tells of its table: it brought changes, it found none, or it says nothing, because it failed or was broken
 * off. A run of another daemon in its place may have brought changes.
 */
export type ToldOutcome = 'changes' | 'nothing' | 'unknown';

/** Hears of each run of each table. Times are by `performance.now()`. */
export interface RunListener {
  readonly begun: (table: string) => void;
  readonly ended: (table: string, begunAt: number, outcome: ToldOutcome) => void;
  /** The table does not run here any more. */
  readonly left: (table: string) => void;
}

/** What a run would find that comes after another daemon's. */
const UP_TO_DATE: RunOutcome = { failure: null, deferred: false, changed: false };

/** Tables on their schedules, a bounded number at work at once; they join and leave one by one. */
export class RunningTables {
  private readonly places: Places;
  private readonly linkLifeDays: () => number | null;
  private readonly control: ControlWatch | undefined;
  private readonly replicas: Replicas | undefined;
  private readonly running = new Map<string, RunningTable>();
  private readonly stop = new AbortController();
  private readonly defects: unknown[] = [];
  private listener: RunListener | undefined;

  /**
   * @param places for tables at work.
   * @param linkLifeDays of delta links, as the environment last said; null where it did not.
   * @param control knows what people ask of the tables; absent, nobody can.
   * @param replicas knows the other daemons; absent, there are none.
   */
  constructor(
    places: Places,
    linkLifeDays: () => number | null = () => null,
    control?: ControlWatch,
    replicas?: Replicas,
  ) {
    this.places = places;
    this.linkLifeDays = linkLifeDays;
    this.control = control;
    this.replicas = replicas;
  }

  /** Tells the listener of all runs that begin from now on. */
  listen(listener: RunListener): void {
    this.listener = listener;
  }

  names(): string[] {
    return [...this.running.keys()];
  }

  /** The settings of the tables. */
  settings(): TableSettings[] {
    return [...this.running.values()].map(({ job }) => job.settings);
  }

  /** Whether the table of this job runs already, with the same settings and the same schedule. */
  isRunning(job: TableJob, schedule: string): boolean {
    const running = this.running.get(job.settings.name);
    return running?.schedule === schedule && isDeepStrictEqual(running.job.settings, job.settings);
  }

  /**
   * Starts a table's schedule.
   *
   * @param schedule a cron expression, or `adaptive`.
   */
  add(job: TableJob, schedule: string): void {
    const { linkLifeDays, places, replicas } = this;
    const { name } = job.settings;
    const control = this.control?.of(name);
    const calls = new Set<() => void>();
    let asked: PromiseWithResolvers<RunResult>[] = [];
    /** Since when a run of another process is as good as the poll that a nudge asked for. */
    let polledFor: number | undefined;
    /** The last run failed or found no place. The schedule says when the next one is. */
    let rests = false;
    const isOthersTurn = (): boolean => replicas?.isOthersTurn(name) === true;
    const run = async (options: RunOptions, signal: AbortSignal): Promise<RunOutcome> => {
      const nudged = polledFor;
      polledFor = undefined;
      const dueAt = nudged === undefined ? options.dueAt : Math.min(nudged, options.dueAt ?? nudged);
      // On a schedule of its own, a table learns from its runs how often it changes, so none of them is left out.
      if (schedule !== 'adaptive' && asked.length === 0 && dueAt !== undefined) {
        if (await replicas?.haveRun(name, dueAt)) {
          this.listener?.ended(name, performance.now(), 'changes');
          return UP_TO_DATE;
        }
      }
      const result = await places.hold(signal, async () => {
        // Asked for by now. A run of another process may have begun before, so it does not count for these.
        const answered = asked;
        asked = [];
        const due = dueAt === undefined ? options : { ...options, dueAt };
        const done = this.told(name, async () => job.run(answered.length > 0 ? {} : due, signal));
        for (const { resolve } of answered) resolve(done);
        return done;
      });
      rests = result.failure !== null || result.deferred;
      if (result.failure?.code === 'table-paused') control?.paused();
      return { ...result, byNudge: nudged !== undefined };
    };
    const listening = {
      isPaused: () => control?.isPaused() === true,
      paused: () => control?.paused(),
      listen(call: () => void): () => void {
        calls.add(call);
        const unlisten = control?.listen(call);
        return () => {
          calls.delete(call);
          unlisten?.();
        };
      },
    };
    const runNow = async (): Promise<RunResult> => {
      const answer = Promise.withResolvers<RunResult>();
      asked.push(answer);
      for (const call of calls) call();
      return answer.promise;
    };
    const poll = (dueAt: number): boolean => {
      if (rests || listening.isPaused()) return false;
      polledFor = dueAt;
      for (const call of calls) call();
      return true;
    };
    const stop = new AbortController();
    const signal = AbortSignal.any([this.stop.signal, stop.signal]);
    const ended = keepSchedule(
      { schedule, linkLifeDays, run, isOthersTurn, control: listening },
      signal,
    ).catch((error: unknown) => {
      this.defects.push(error);
      this.stop.abort();
    });
    replicas?.add(name);
    this.running.set(name, { job, schedule, stop, ended, runNow, poll });
  }

  /** The job of a table that runs; undefined for any other table. */
  job(name: string): TableJob | undefined {
    return this.running.get(name)?.job;
  }

  /**
   * Runs a table's job as soon as its schedule allows: after the run under way, and never beside it. The run begins
   * after the call.
   *
   * @returns undefined where the table does not run, or leaves meanwhile.
   * @throws the signal's reason when aborted while waiting.
   */
  async runNow(name: string, signal: AbortSignal): Promise<RunResult | undefined> {
    const running = this.running.get(name);
    if (running === undefined) return undefined;
    const left = running.ended.then(() => undefined);
    return abortable(Promise.race([running.runNow(), left]), signal);
  }

  /**
   * Runs a table's job because a nudge asks for it. A table that is paused, or that rests after a failure, does not run.
   *
   * @param dueAt a run of another process that ended later is as good, by `performance.now()`.
   * @returns whether the table runs.
   */
  poll(name: string, dueAt: number): boolean {
    return this.running.get(name)?.poll(dueAt) ?? false;
  }

  private async told(table: string, work: () => Promise<RunResult>): Promise<RunResult> {
    const begunAt = performance.now();
    this.listener?.begun(table);
    let outcome: ToldOutcome = 'unknown';
    try {
      const result = await work();
      outcome = outcomeOf(result);
      return result;
    } finally {
      this.listener?.ended(table, begunAt, outcome);
    }
  }

  /** Takes a table off; resolves when its run under way has ended. */
  async remove(name: string): Promise<void> {
    const table = this.running.get(name);
    this.running.delete(name);
    this.replicas?.remove(name);
    table?.stop.abort();
    await table?.ended;
    this.listener?.left(name);
  }

  /**
   * Resolves when the signal has stopped every table. Rejects with the defect of a schedule, which stops the
   * others too; what happens to a table is no defect.
   */
  async run(signal: AbortSignal): Promise<void> {
    await untilAborted(AbortSignal.any([signal, this.stop.signal]));
    this.stop.abort(signal.reason);
    await Promise.all([...this.running.values()].map(async ({ ended }) => ended));
    if (this.defects.length > 0) throw this.defects[0];
  }
}

function outcomeOf({ failure, deferred, changed, rowsRead }: RunResult): ToldOutcome {
  if (failure !== null || deferred) return 'unknown';
  return changed || rowsRead > 0 ? 'changes' : 'nothing';
}
