const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;

/** Milliseconds between two polls of a table that changes. */
export const SHORTEST_INTERVAL = 10 * SECOND;
/** Milliseconds between two polls of a table that has not changed for hours. */
export const LONGEST_INTERVAL = HOUR;
const GROWTH = 1.5;

/**
 * Milliseconds from the end of a run to the next: the shortest after changes, half as long again as the
 * last after none. A table that has rested for some time is thereby polled again after half of that time.
 *
 * @param last undefined where nothing is known of the table yet, as after a start.
 * @param linkLifeDays of a delta link, which each poll renews: two polls are never more than half of it
 *   apart. Null where the environment does not tell; then an hour is far below anything plausible.
 */
export function nextInterval(
  last: number | undefined,
  changed: boolean,
  linkLifeDays: number | null,
): number {
  const isKnown = linkLifeDays !== null && linkLifeDays > 0;
  const longest = isKnown ? Math.min(LONGEST_INTERVAL, (linkLifeDays * DAY) / 2) : LONGEST_INTERVAL;
  const next = last === undefined || changed ? SHORTEST_INTERVAL : last * GROWTH;
  return Math.min(longest, next);
}
