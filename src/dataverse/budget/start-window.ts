/**
 * Counts request starts over a sliding window: never more than `limit` in any `length` milliseconds, wherever the
 * window is laid. It remembers the last starts and lets the next one happen when one of them has left the window.
 */
export class StartWindow {
  private starts: Float64Array;
  private readonly length: number;
  private limit: number;
  private oldest = 0;
  private count = 0;

  constructor(limit: number, length: number) {
    this.starts = new Float64Array(limit);
    this.limit = limit;
    this.length = length;
  }

  /** Milliseconds until a start is allowed; 0 for now, infinity for never. */
  delay(now: number): number {
    if (this.count < this.limit) return 0;
    if (this.limit === 0) return Number.POSITIVE_INFINITY;
    // One millisecond past the edge: whether a window counts both its ends is the server's choice.
    return Math.max(0, this.latest(this.limit) + this.length + 1 - now);
  }

  /** How many of the starts are in the window that ends now. */
  within(now: number): number {
    let count = 0;
    while (count < this.count && this.latest(count + 1) + this.length >= now) count++;
    return count;
  }

  /** How many starts of the window that ends now are so old: at `k` those of `k` to `k + 1` steps of milliseconds. */
  ages(now: number, step: number): number[] {
    const ages: number[] = [];
    const within = this.within(now);
    for (let back = 1; back <= within; back++) {
      const age = Math.floor(Math.max(0, now - this.latest(back)) / step);
      while (ages.length <= age) ages.push(0);
      ages[age] = (ages[age] ?? 0) + 1;
    }
    return ages;
  }

  /** Goes on with another limit. All starts that a limit so far has allowed still count. */
  change(limit: number): void {
    this.limit = limit;
    if (limit <= this.starts.length) return;
    const starts = new Float64Array(limit);
    for (let at = 0; at < this.count; at++) starts[at] = this.latest(this.count - at);
    this.starts = starts;
    this.oldest = 0;
  }

  record(now: number): void {
    if (this.starts.length === 0) return;
    this.starts[(this.oldest + this.count) % this.starts.length] = now;
    if (this.count < this.starts.length) this.count++;
    else this.oldest = (this.oldest + 1) % this.starts.length;
  }

  /** When the latest start but `back - 1` was. */
  private latest(back: number): number {
    return this.starts[(this.oldest + this.count - back) % this.starts.length] ?? 0;
  }
}
