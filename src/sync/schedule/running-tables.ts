import { RunPlaces } from './run-places.ts';
import { ticksOf } from './schedule-ticks.ts';
import type { TableJob } from '../run/table-job.ts';
import { TableSchedule } from './table-schedule.ts';

/** Tables on their schedules, a bounded number at work at once; they join and leave one by one. */
export interface RunningTables {
  readonly names: () => string[];
  /** @param schedule a cron expression, or `adaptive`. */
  readonly add: (job: TableJob, schedule: string) => void;
  /** Takes a table off; resolves when its run under way has ended. */
  readonly remove: (name: string) => Promise<void>;
  /** Rejects when a schedule breaks, which none does by what happens to its table. */
  readonly broken: Promise<never>;
  /** Resolves when every table has stopped, which the signal makes them do; one that broke has. */
  readonly stopped: () => Promise<void>;
}

/** @param linkLifeDays of delta links, as it was last told; null where it was not. */
export function runTables(
  tablesAtOnce: number,
  signal: AbortSignal,
  linkLifeDays: () => number | null = () => null,
): RunningTables {
  const places = new RunPlaces(tablesAtOnce);
  const running = new Map<string, { readonly stop: AbortController; readonly ended: Promise<void> }>();
  let onBroken: ((error: unknown) => void) | undefined;
  const broken = new Promise<never>((_, reject) => (onBroken = reject));
  // Whoever waits for it hears of it.
  broken.catch(() => undefined);
  return {
    names: () => [...running.keys()],
    add(job, schedule) {
      const table = new TableSchedule({
        startTicks: ticksOf(schedule, linkLifeDays),
        run: async (run, stop) => places.hold(stop, async () => job.run(run, stop)),
      });
      const stop = new AbortController();
      const ended = table.run(AbortSignal.any([signal, stop.signal]));
      ended.catch((error: unknown) => onBroken?.(error));
      running.set(job.settings.name, { stop, ended });
    },
    async remove(name) {
      const table = running.get(name);
      running.delete(name);
      table?.stop.abort();
      await table?.ended;
    },
    broken,
    async stopped() {
      await Promise.allSettled([...running.values()].map(async ({ ended }) => ended));
    },
  };
}
