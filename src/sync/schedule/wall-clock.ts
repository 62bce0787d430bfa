const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** Milliseconds between two looks, at most. */
const LOOK = 10 * SECOND;
/** Summer time begins and ends at such moments in every zone. There is a look at each. */
const QUARTER = 15 * MINUTE;

/**
 * What node-cron's scheduler cannot do: notice that the clock on the wall was set. It computes the next tick
 * once and sleeps until then by time that passes, so that
 *
 * - a clock that is set back by two hours costs the ticks of two hours;
 * - a clock that is set forward past a tick delays that tick until the sleep is over;
 * - a tick in the hour that summer time skips does not exist: a table with one run a day loses that day;
 * - an hour that the clock shows twice has its ticks once only, and while the clock shows it again node-cron
 *   takes the time for an hour earlier: it does not tick, and looks again each millisecond;
 * - after hours that the clock was set forward, or the process stood still, it visits each tick that it missed,
 *   which blocks the process for seconds.
 *
 * test/unit/node-cron-alone.test.ts shows each of them. One remedy serves for all: node-cron gets a zone
 * without summer time, which has the offset of the moment, and it starts anew when the clock was set. The
 * beginning of summer time is then a clock set forward by an hour, and its end a clock set back. Only in the
 * repeated hour node-cron has to rest; its expression is then asked at each look.
 */
export class WallClock {
  private seen = read();

  /** The zone that always has the offset of the last look, such as `+02:00`. */
  get zone(): string {
    const minutes = Math.abs(this.seen.offset) / MINUTE;
    const parts = [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0'));
    return `${this.seen.offset < 0 ? '-' : '+'}${parts.join(':')}`;
  }

  /** Whether the clock showed the time of the last look an hour before, too. */
  get repeats(): boolean {
    return this.seen.repeats;
  }

  /** What the clock shows at a moment, by the offset of the last look. Milliseconds, both. */
  shownAt(moment: number): number {
    return moment + this.seen.offset;
  }

  /** Milliseconds until the next look. */
  toNextLook(): number {
    return Math.min(this.seen.repeats ? SECOND : LOOK, QUARTER - (Date.now() % QUARTER));
  }

  /** Looks at the clock. @returns whether it was set since the last look, or the process stood still. */
  look(): boolean {
    const before = this.seen;
    const now = (this.seen = read());
    const elapsed = now.passed - before.passed;
    // Less than a second is nothing: node-cron goes by whole seconds, and a clock is corrected all the time.
    const isSet = Math.abs(now.at - before.at - elapsed) > SECOND;
    return isSet || elapsed > 2 * LOOK || now.offset !== before.offset || now.repeats !== before.repeats;
  }
}

/** The time, the time by a clock that nobody sets, and by how much the process's zone is ahead of UTC; all in ms. */
function read() {
  const at = Date.now();
  const now = new Date(at);
  const offset = -now.getTimezoneOffset() * MINUTE;
  // Of a time that there is twice JavaScript takes the first, and so does node-cron, which has it from here.
  return { at, offset, passed: performance.now(), repeats: now.setMilliseconds(0) < at - SECOND };
}
