import type { Logger } from 'pino';

const MINUTE = 60_000;
/** Milliseconds from the first line about a trouble to the next; each further rest is twice as long. */
const FIRST_REST = MINUTE;
const LONGEST_REST = 60 * MINUTE;
/** Milliseconds without an occurrence after which the next one is news. */
export const QUIET = 5 * MINUTE;

/** A trouble that happens again and again. Times are milliseconds, by a clock that nobody sets back. */
export interface Trouble {
  readonly since: number;
  readonly last: number;
  /** From when on an occurrence is worth a line again. */
  readonly nextLine: number;
  /** Occurrences since the last one that had a line. */
  readonly untold: number;
}

/** One more occurrence of a trouble. */
export interface Occurrence {
  readonly trouble: Trouble;
  readonly isFirst: boolean;
  /** This occurrence gets a line in the log. The line counts the occurrences before it that got none. */
  readonly isTold: boolean;
  /** Occurrences without a line before this one. */
  readonly untold: number;
  /** Milliseconds since the first occurrence. */
  readonly age: number;
}

/**
 * Takes note of an occurrence at the moment `now`. The first one is worth a line; then one after a minute,
 * one each time that the trouble has lasted twice as long, and one every hour in the end.
 */
export function occurred(before: Trouble | undefined, now: number, quiet = QUIET): Occurrence {
  const isFirst = before === undefined || now - before.last > quiet;
  const since = isFirst ? now : before.since;
  const age = now - since;
  const untold = before?.untold ?? 0;
  const isTold = isFirst || now >= before.nextLine;
  const trouble = isTold
    ? { since, last: now, nextLine: now + Math.min(LONGEST_REST, Math.max(FIRST_REST, age)), untold: 0 }
    : { since, last: now, nextLine: before.nextLine, untold: untold + 1 };
  return { trouble, isFirst, isTold, untold, age };
}

interface ThrottleOptions {
  /** Milliseconds without an occurrence after which the next one is news; `Infinity` for "not before it is over". */
  readonly quiet?: number;
  readonly now?: () => number;
}

/** Keeps troubles that happen again and again to a few lines of the log, each trouble by itself. */
export class LogThrottle {
  private readonly logger: Logger;
  private readonly quiet: number;
  private readonly now: () => number;
  private readonly troubles = new Map<string, Trouble>();

  constructor(logger: Logger, { quiet = QUIET, now = () => performance.now() }: ThrottleOptions = {}) {
    this.logger = logger;
    this.quiet = quiet;
    this.now = now;
  }

  /**
   * Logs an occurrence: at `debug` where it is not worth a line. A line that stands for others too has the
   * fields `untold` (how many) and `seconds` (since the first).
   *
   * @param about tells this trouble from others.
   * @param levelAfter the level of a line, by the milliseconds that the trouble has lasted.
   */
  tell(
    about: string,
    fields: object,
    message: string,
    levelAfter: (age: number) => 'warn' | 'error' = () => 'warn',
  ): void {
    const { trouble, isTold, untold, age } = occurred(this.troubles.get(about), this.now(), this.quiet);
    this.troubles.set(about, trouble);
    const standsFor = isTold && untold > 0 ? { untold, seconds: Math.round(age / 1000) } : {};
    this.logger[isTold ? levelAfter(age) : 'debug']({ ...fields, ...standsFor }, message);
  }

  /** All troubles are over: the next occurrence gets a line. @returns seconds since the first trouble, if there was one. */
  over(): number | undefined {
    if (this.troubles.size === 0) return undefined;
    const since = Math.min(...[...this.troubles.values()].map((trouble) => trouble.since));
    this.troubles.clear();
    return Math.round((this.now() - since) / 1000);
  }
}
