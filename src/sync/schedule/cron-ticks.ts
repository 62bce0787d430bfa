import { createTask, type ScheduledTask } from 'node-cron';
import { WallClock } from './wall-clock.ts';

const SECOND = 1_000;
/** node-cron tells of overlaps and failures on the console; the table's own lines tell of both. */
const SILENT = { info: ignore, warn: ignore, error: ignore, debug: ignore };

/**
 * Asks for a run that has been due since `dueAt`, by `performance.now()`. Resolves when that run has ended.
 */
export type AskForRun = (dueAt: number) => Promise<void>;

/**
 * The ticks of a cron expression, by node-cron's own scheduler: it waits for the next tick, delays the run by
 * chance, and starts no run while the last one goes on. A tick that came during a run, or while the process
 * stood still, asks for a run all the same; several such ticks are one run.
 *
 * node-cron sleeps through a clock that is set, by hand or for summer time; see `WallClock`. It then starts
 * anew, and a tick that was passed over is made up for.
 */
export class CronTicks {
  /** Milliseconds by which a run is put off at most, so that many tables do not start as one. */
  readonly spread: number;
  private readonly cron: string;
  private readonly ask: AskForRun;
  private readonly clock = new WallClock();
  private looking: NodeJS.Timeout;
  private task: ScheduledTask;
  /** The next tick, by what the clock shows. */
  private due: number;
  /** When the tick came whose run node-cron delays by chance, by `performance.now()`. */
  private delayed: number | undefined;
  private later: NodeJS.Timeout | undefined;

  constructor(cron: string, ask: AskForRun) {
    this.cron = cron;
    this.ask = ask;
    this.spread = longestDelay(cron);
    this.task = this.start();
    this.due = this.next();
    this.looking = this.lookLater();
  }

  stop(): void {
    clearTimeout(this.looking);
    clearTimeout(this.later);
    void this.task.destroy();
  }

  private start(): ScheduledTask {
    const run = async (): Promise<void> => {
      if (task !== this.task) return;
      const dueAt = this.delayed ?? performance.now();
      this.delayed = undefined;
      await this.ask(dueAt);
    };
    const options = { noOverlap: true, maxRandomDelay: this.spread, logger: SILENT };
    const task = createTask(this.cron, run, { ...options, timezone: this.clock.zone });
    // Before the random delay: what another process does meanwhile is as good as this run.
    task.on('execution:started', () => {
      if (this.passed(task)) this.delayed = performance.now();
    });
    for (const event of ['execution:overlap', 'execution:missed'] as const) {
      task.on(event, () => {
        if (this.passed(task)) this.askLater(performance.now());
      });
    }
    if (!this.clock.repeats) void task.start();
    return task;
  }

  /** Takes note of a tick. @returns false where the tick is none, because the clock was set. */
  private passed(task: ScheduledTask): boolean {
    this.look();
    if (task !== this.task) return false;
    this.due = this.next();
    return true;
  }

  private next(): number {
    return this.clock.shownAt(this.task.getNextRuns(1)[0]?.getTime() ?? Number.POSITIVE_INFINITY);
  }

  private lookLater(): NodeJS.Timeout {
    return setTimeout(() => {
      this.look();
      this.looking = this.lookLater();
    }, this.clock.toNextLook());
  }

  /** Starts node-cron anew where it cannot go on by itself, and makes up for a tick that was passed over. */
  private look(): void {
    const unseen = this.clock.look();
    const isPassedOver = this.due <= this.clock.shownAt(Date.now());
    // In an hour that the clock repeats node-cron rests, and its ticks are noticed here.
    if (unseen === undefined && !(this.clock.repeats && isPassedOver)) return;
    void this.task.destroy();
    this.task = this.start();
    const { delayed } = this;
    this.due = this.next();
    this.delayed = undefined;
    const isNow = unseen?.some((moment) => this.task.match(moment)) ?? false;
    if (isPassedOver || isNow || delayed !== undefined) this.askLater(delayed ?? performance.now());
  }

  /** Asks for a run that node-cron does not start, delayed by chance as all others: many tables may ask at once. */
  private askLater(dueAt: number): void {
    clearTimeout(this.later);
    this.later = setTimeout(() => void this.ask(dueAt), Math.random() * this.spread);
  }
}

/** A tenth of the time between two ticks, and ten seconds at most. */
function longestDelay(cron: string): number {
  const task = createTask(cron, ignore, { timezone: 'UTC' });
  const [first = 0, second = Number.POSITIVE_INFINITY] = task.getNextRuns(2).map((tick) => tick.getTime());
  // Otherwise node-cron keeps it for as long as the process lives.
  void task.destroy();
  return Math.min(10 * SECOND, (second - first) / 10);
}

function ignore(): void {
  // Nothing is to be done.
}
