import { ADAPTIVE } from '../../model/schedule.ts';
import { startAdaptiveTicks } from './adaptive-ticks.ts';
import { startTicks } from './cron-ticks.ts';
import { startJitter } from './schedule-delay.ts';
import type { StartTicks } from './table-ticks.ts';

/**
 * The ticks of a table's schedule.
 *
 * @param schedule a cron expression, or `adaptive`.
 * @param linkLifeDays asked before each interval: what the environment says may change.
 */
export function ticksOf(schedule: string, linkLifeDays: () => number | null): StartTicks {
  if (schedule !== ADAPTIVE) return cronTicks(schedule);
  return (onTick, random) => startAdaptiveTicks(linkLifeDays, onTick, random);
}

/** Ticks that come by the clock on the wall, however the runs go. */
function cronTicks(cron: string): StartTicks {
  return (onTick, random) => {
    const ticks = startTicks(cron, onTick);
    return {
      jitter: () => startJitter(ticks.toNext(), random()),
      freshness: () => 0,
      succeeded: () => undefined,
      stop: ticks.stop,
    };
  };
}
