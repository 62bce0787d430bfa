import type { Logger } from 'pino';
import { loadProgress, loadText } from '../../model/load-progress.ts';
import type { LoadWatch } from './load-watch.ts';

export interface LoadLogOptions {
  /** Milliseconds between two lines of a table. */
  readonly every: number;
  /** Whether the first line comes with the first page; otherwise it comes after `every`. */
  readonly atOnce: boolean;
}

/** One line a minute for each table that loads. A load of less than a minute has none. */
export const MINUTELY: LoadLogOptions = { every: 60_000, atOnce: false };

/** Tells the log how far each load is. */
export function createLoadLog(logger: Logger, { every, atOnce }: LoadLogOptions): LoadWatch {
  const toldAt = new Map<string, number>();
  return {
    loading(table, figures) {
      const now = performance.now();
      const last = toldAt.get(table);
      if (last !== undefined && now - last < every) return;
      const progress = loadProgress(figures());
      // A load that has stored nothing yet has nothing to tell.
      if (atOnce && progress.rowsLoaded === 0) return;
      toldAt.set(table, now);
      if (last === undefined && !atOnce) return;
      const { rowsLoaded, rowsExpected, percent, etaSeconds } = progress;
      logger.info(
        { table, rowsLoaded, rowsExpected, percent, etaSeconds },
        `${table}: ${loadText(progress)}.`,
      );
    },
    // The keeper of the leases logs it.
    waiting: () => undefined,
    ended: ({ table }) => void toldAt.delete(table),
  };
}
