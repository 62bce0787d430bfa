/** A line of the command's log. */
export interface LogLine {
  /** When it was written, as an ISO date. */
  readonly time: string;
  /** How long the run took that it tells of; on lines about other things absent. */
  readonly milliseconds?: number;
}

/** Milliseconds from the beginning of the first table's run to the end of the last one's; NaN without any. */
export function runSpan(lines: readonly LogLine[]): number {
  const runs = lines.flatMap(({ time, milliseconds }) => {
    if (milliseconds === undefined) return [];
    const end = Date.parse(time);
    return [{ begin: end - milliseconds, end }];
  });
  if (runs.length === 0) return Number.NaN;
  return Math.max(...runs.map(({ end }) => end)) - Math.min(...runs.map(({ begin }) => begin));
}
