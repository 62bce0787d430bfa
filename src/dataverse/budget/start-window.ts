/**
 * Counts request starts over a sliding window: never more than `limit` in any `length` milliseconds,
 * wherever the window is laid. It remembers the last `limit` starts and lets the next one happen when
 * the oldest of them has left the window.
 */
export class StartWindow {
  private starts: Float64Array;
  private readonly length: number;
  private oldest = 0;
  private count = 0;

  constructor(limit: number, length: number) {
    this.starts = new Float64Array(limit);
    this.length = length;
  }

  /** Milliseconds until a start is allowed; 0 for now. */
  delay(now: number): number {
    if (this.count < this.starts.length) return 0;
    // One millisecond past the edge: whether a window counts both its ends is the server's choice.
    return Math.max(0, (this.starts[this.oldest] ?? 0) + this.length + 1 - now);
  }

  /** How many of the starts are in the window that ends now. */
  within(now: number): number {
    let count = 0;
    for (let back = 1; back <= this.count; back++) {
      const start = this.starts[(this.oldest + this.count - back) % this.starts.length] ?? 0;
      if (start + this.length < now) break;
      count++;
    }
    return count;
  }

  /** Goes on with another limit. The latest starts stay, as many as the limit allows. */
  change(limit: number): void {
    const kept = Math.min(this.count, limit);
    const starts = new Float64Array(limit);
    for (let at = 0; at < kept; at++) {
      starts[at] = this.starts[(this.oldest + this.count - kept + at) % this.starts.length] ?? 0;
    }
    this.starts = starts;
    this.oldest = 0;
    this.count = kept;
  }

  record(now: number): void {
    this.starts[(this.oldest + this.count) % this.starts.length] = now;
    if (this.count < this.starts.length) this.count++;
    else this.oldest = (this.oldest + 1) % this.starts.length;
  }
}
