import { nextInterval, SHORTEST_INTERVAL } from './adaptive-interval.ts';
import type { TableTicks } from './table-ticks.ts';

/**
 * Ticks that follow how often a table changes. Each comes some time after a run that succeeded; after
 * one that did not, whoever rests asks for the next run.
 *
 * Every interval is shortened by up to a tenth, by chance, so that tables which started together drift
 * apart. Their first runs, of which nothing is known yet, are spread over the shortest interval.
 */
export function startAdaptiveTicks(
  linkLifeDays: () => number | null,
  onTick: () => void,
  random: () => number,
): TableTicks {
  let interval: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  return {
    jitter: () => (interval === undefined ? Math.round(SHORTEST_INTERVAL * random()) : 0),
    // Of several processes one then polls for all, and each takes over when that one falls silent.
    freshness: () => (interval ?? 0) / 2,
    succeeded(changed) {
      interval = nextInterval(interval, changed, linkLifeDays());
      clearTimeout(timer);
      timer = setTimeout(onTick, interval * (1 - random() / 10));
    },
    stop: () => clearTimeout(timer),
  };
}
