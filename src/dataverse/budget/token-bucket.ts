/**
 * Tokens that come back evenly, up to what the bucket holds. Times are milliseconds of one clock that
 * nobody sets back.
 */
export class TokenBucket {
  private readonly capacity: number;
  private readonly interval: number;
  private tokens: number;
  private countedAt: number;

  /**
   * @param capacity what it holds at most, and at first.
   * @param interval milliseconds between two tokens that come back.
   */
  constructor(capacity: number, interval: number, now: number) {
    this.capacity = capacity;
    this.interval = interval;
    this.tokens = capacity;
    this.countedAt = now;
  }

  /** Milliseconds until there is a token; 0 for now. */
  delay(now: number): number {
    this.refill(now);
    return this.tokens >= 1 ? 0 : Math.max(1, this.countedAt + this.interval - now);
  }

  take(now: number): void {
    this.refill(now);
    this.tokens--;
  }

  private refill(now: number): void {
    const back = Math.floor((now - this.countedAt) / this.interval);
    if (back > 0) {
      this.tokens = Math.min(this.capacity, this.tokens + back);
      this.countedAt += back * this.interval;
    }
    // A full bucket has nothing on the way.
    if (this.tokens >= this.capacity) this.countedAt = now;
  }
}
