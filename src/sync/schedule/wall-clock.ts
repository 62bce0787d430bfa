const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** Milliseconds between two looks, at most. */
const LOOK = 10 * SECOND;
/** Summer time begins and ends at such moments, in every zone: there is a look at each. */
const QUARTER = 15 * MINUTE;
/** Milliseconds between two looks after which the process counts as one that stood still. */
const STANDSTILL = 2 * LOOK;

/**
 * What node-cron's scheduler cannot do: notice that the clock on the wall was set. It computes the next tick
 * once and sleeps until then by time that passes, so that
 *
 * - a clock that is set back by two hours costs the ticks of two hours;
 * - a clock that is set forward past a tick delays that tick until the sleep is over;
 * - a tick in the hour that summer time skips does not exist: a table with one run a day loses that day;
 * - an hour that the clock shows twice has its ticks once only, and while the clock shows it again node-cron
 *   takes the time for an hour earlier: it does not tick, and looks again each millisecond;
 * - a process that stood still for hours visits each tick that it missed, which takes seconds.
 *
 * test/unit/node-cron-alone.test.ts shows each of them. One remedy serves for all: node-cron gets a zone
 * without summer time, which has the offset of the moment, and it is started anew whenever the clock was set.
 * The beginning of summer time is then a clock set forward by an hour, and its end a clock set back. Only in
 * the repeated hour node-cron has to rest; its expression is then asked at each look.
 */
export class WallClock {
  private seen = read();

  /** The zone that always has the offset of the last look, such as `+02:00`. */
  get zone(): string {
    const minutes = Math.abs(this.seen.offset) / MINUTE;
    const parts = [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0'));
    return `${this.seen.offset < 0 ? '-' : '+'}${parts.join(':')}`;
  }

  /** Whether the clock showed this time an hour ago, too, at the last look. */
  get repeats(): boolean {
    return this.seen.repeats;
  }

  /** What the clock shows at a moment, by the offset of the last look. Milliseconds, both. */
  shownAt(moment: number): number {
    return moment + this.seen.offset;
  }

  /** Milliseconds until the clock must be looked at again. */
  toNextLook(): number {
    return Math.min(this.seen.repeats ? SECOND : LOOK, QUARTER - (Date.now() % QUARTER));
  }

  /**
   * Looks at the clock.
   *
   * @returns undefined while node-cron can go on; else the seconds since the last look that the clock shows by
   *   another offset than then, so that nobody has looked for ticks among them.
   */
  look(): readonly Date[] | undefined {
    const before = this.seen;
    const now = (this.seen = read());
    const elapsed = now.passed - before.passed;
    if (now.offset !== before.offset) return secondsSince(Math.max(before.at, now.at - STANDSTILL), now);
    // Less than a second is nothing: node-cron goes by whole seconds, and a clock is corrected all the time.
    const isSet = Math.abs(now.at - before.at - elapsed) > SECOND;
    return isSet || elapsed > STANDSTILL || before.repeats !== now.repeats ? [] : undefined;
  }
}

interface Seen {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Milliseconds by a clock that nobody sets. */
  readonly passed: number;
  /** Milliseconds by which the zone of the process is ahead of UTC. */
  readonly offset: number;
  readonly repeats: boolean;
}

function read(): Seen {
  const at = Date.now();
  // As node-cron does it: of a time that there is twice, JavaScript takes the first.
  const repeats = new Date(at).setMilliseconds(0) < at - SECOND;
  return { at, passed: performance.now(), offset: offsetAt(at), repeats };
}

/** The whole seconds after `from`, up to now, that have the offset of now. */
function secondsSince(from: number, { at: now, offset }: Seen): Date[] {
  const seconds: Date[] = [];
  for (let at = Math.floor(now / SECOND) * SECOND; at > from; at -= SECOND) {
    if (offsetAt(at) === offset) seconds.push(new Date(at));
  }
  return seconds;
}

function offsetAt(moment: number): number {
  return -new Date(moment).getTimezoneOffset() * MINUTE;
}
