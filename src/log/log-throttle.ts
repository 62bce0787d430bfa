import { nextReminder } from '../timing/reminder.ts';

/** A trouble that happens again and again, from its first occurrence until it has not for a while. */
export interface Burst {
  /** Milliseconds, by a clock that nobody sets back. */
  readonly since: number;
  readonly last: number;
  readonly nextReminder: number;
  /** Occurrences since the last one that was told. */
  readonly untold: number;
}

/** What to say of an occurrence; nothing is lost by saying nothing: the next one that is told counts it. */
export interface Occurrence {
  readonly isTold: boolean;
  /** Occurrences that nobody was told of before this one. */
  readonly untold: number;
  /** Since the first of them. */
  readonly seconds: number;
}

/** Milliseconds without an occurrence after which the next one is news. */
export const QUIET = 5 * 60_000;

/** Takes note of one more occurrence: the first is told, and then one at growing distance. */
function occurred(
  burst: Burst | undefined,
  now: number,
  quiet = QUIET,
): Occurrence & { readonly burst: Burst } {
  if (burst === undefined || now - burst.last > quiet) {
    const first = { since: now, last: now, nextReminder: nextReminder(now, now), untold: 0 };
    return { burst: first, isTold: true, untold: burst?.untold ?? 0, seconds: 0 };
  }
  const isTold = now >= burst.nextReminder;
  const { since, untold } = burst;
  const next = isTold
    ? { since, last: now, nextReminder: nextReminder(since, now), untold: 0 }
    : { ...burst, last: now, untold: untold + 1 };
  return { burst: next, isTold, untold, seconds: Math.round((now - since) / 1000) };
}

/** Keeps troubles apart by what they are about, and says of each occurrence whether it is to be told. */
export function createBursts(quiet = QUIET, now = () => performance.now()): (about: string) => Occurrence {
  const bursts = new Map<string, Burst>();
  return (about) => {
    const { burst, ...occurrence } = occurred(bursts.get(about), now(), quiet);
    bursts.set(about, burst);
    return occurrence;
  };
}

/** The fields by which a line that is told stands for others too. */
export function fieldsOf({ isTold, untold, seconds }: Occurrence): { untold?: number; seconds?: number } {
  return isTold && untold > 0 ? { untold, seconds } : {};
}
