/** Milliseconds without a refusal after which one more request may be in flight. */
const STEP = 10_000;

/**
 * How many requests may be in flight: halved when the environment asks to slow down, and raised by one
 * for every ten seconds without that, up to what was configured. Times are milliseconds of one clock.
 */
export class AdaptiveConcurrency {
  private readonly most: number;
  private current: number;
  private steadySince = 0;

  constructor(most: number) {
    this.most = most;
    this.current = most;
  }

  /** The environment asked to slow down, and nothing is sent until `resumesAt`. */
  halve(resumesAt: number): void {
    this.current = Math.max(1, this.current >> 1);
    this.steadySince = resumesAt;
  }

  /** A pause goes on for longer: it is no time without a refusal. */
  extend(resumesAt: number): void {
    this.steadySince = Math.max(this.steadySince, resumesAt);
  }

  /** How many may be in flight. */
  limit(now: number): number {
    const steps = Math.max(0, Math.floor((now - this.steadySince) / STEP));
    if (this.current < this.most && steps > 0) {
      this.current = Math.min(this.most, this.current + steps);
      this.steadySince += steps * STEP;
    }
    return this.current;
  }

  /** Milliseconds until one more may be; undefined where there is no more to come. */
  untilMore(now: number): number | undefined {
    return this.current < this.most ? Math.max(1, this.steadySince + STEP - now) : undefined;
  }
}
