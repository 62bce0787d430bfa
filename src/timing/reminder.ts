const MINUTE = 60_000;
/** Milliseconds from the beginning of a trouble to its first reminder; each further rest is twice as long. */
const FIRST_REMINDER = MINUTE;
const LONGEST_REST = 60 * MINUTE;

/**
 * When a trouble that has lasted since `since`, and is told of at `now`, is told of again: when it has
 * lasted twice as long, and every hour in the end. Milliseconds, by a clock that nobody sets back.
 */
export function nextReminder(since: number, now: number): number {
  return now + Math.min(LONGEST_REST, Math.max(FIRST_REMINDER, now - since));
}
