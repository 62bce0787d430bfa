import { createTask, type ScheduledTask, type TaskContext } from 'node-cron';
import { WallClock } from './wall-clock.ts';

/** Milliseconds by which chance delays a run at most. */
const LONGEST_DELAY = 10_000;
/** Milliseconds before a tick at which there is a look: node-cron would visit all ticks that were passed over. */
const EARLY = 5;
const ignore = (): void => undefined;
/** node-cron tells of overlaps on the console; the lines about the table's runs say enough. */
const SILENT = { info: ignore, warn: ignore, error: ignore, debug: ignore };

export interface CronTicks {
  /** Milliseconds by which chance delays a run at most, so that many tables do not start as one. */
  readonly spread: number;
  readonly stop: () => void;
}

/**
 * The ticks of a cron expression, by node-cron's own scheduler: it waits for the next tick, delays the run by
 * chance, and starts no run while the last one goes on. A tick that came during a run, or while the process
 * stood still, asks for a run all the same; several such ticks are one run. Where the clock was set, node-cron
 * starts anew, and a tick that was passed over asks for a run.
 *
 * @param ask asks for a run that has been due since a moment by `performance.now()`; resolves at its end.
 */
export function startCronTicks(cron: string, ask: (dueAt: number) => Promise<void>): CronTicks {
  const clock = new WallClock();
  const spread = longestDelay(cron);
  let asking: NodeJS.Timeout | undefined;
  let looking: NodeJS.Timeout | undefined;

  const start = (): ScheduledTask => {
    const run = async ({ date }: TaskContext): Promise<void> => {
      // Due since the tick: what another process did during the delay is as good as this run.
      if (isTickOf(begun)) await ask(performance.now() - (Date.now() - date.getTime()));
    };
    const options = { noOverlap: true, maxRandomDelay: spread, timezone: clock.zone, logger: SILENT };
    const begun = createTask(cron, run, options);
    for (const event of ['execution:overlap', 'execution:missed'] as const) {
      begun.on(event, () => {
        if (isTickOf(begun)) askLater();
      });
    }
    if (!clock.repeats) void begun.start();
    return begun;
  };
  const next = (): number => clock.shownAt(task.getNextRuns(1)[0]?.getTime() ?? Number.POSITIVE_INFINITY);
  let task = start();
  /** The next tick that has not asked for a run, by what the clock shows. */
  let due = next();

  /** Takes note of a tick, which is none where the clock was set. */
  const isTickOf = (which: ScheduledTask): boolean => {
    look();
    if (which !== task) return false;
    due = next();
    lookLater();
    return true;
  };
  const look = (): void => {
    const isSet = clock.look();
    const isPassed = due <= clock.shownAt(Date.now());
    // In an hour that the clock repeats node-cron rests, and its ticks are noticed here.
    if (!isSet && !(clock.repeats && isPassed)) return;
    void task.destroy();
    task = start();
    due = next();
    lookLater();
    // The next tick is a later one, even if this second has one by the clock as it was set.
    if (isPassed || task.match(new Date())) askLater();
  };
  /** Asks for a run that node-cron does not start. Chance delays it as well: all tables may ask at once. */
  const askLater = (): void => {
    const dueAt = performance.now();
    clearTimeout(asking);
    asking = setTimeout(() => void ask(dueAt), Math.random() * spread);
  };
  const lookLater = (): void => {
    const toTick = due - EARLY - clock.shownAt(Date.now());
    clearTimeout(looking);
    looking = setTimeout(
      () => {
        look();
        lookLater();
      },
      Math.min(clock.toNextLook(), toTick > 0 ? toTick : Infinity),
    );
  };
  lookLater();
  return {
    spread,
    stop() {
      clearTimeout(looking);
      clearTimeout(asking);
      void task.destroy();
    },
  };
}

/** A tenth of the time between two ticks, and ten seconds at most. */
function longestDelay(cron: string): number {
  const task = createTask(cron, ignore, { timezone: 'UTC' });
  const [first = 0, second = Number.POSITIVE_INFINITY] = task.getNextRuns(2).map((tick) => tick.getTime());
  // Otherwise node-cron keeps it for as long as the process lives.
  void task.destroy();
  return Math.min(LONGEST_DELAY, (second - first) / 10);
}
