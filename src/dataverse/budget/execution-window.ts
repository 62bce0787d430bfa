/**
 * Adds up how long requests took over a sliding window and says when another may start so that the
 * sum stays under the limit. Requests in flight count with the time they have taken, or with what
 * recent ones took where that is more, since their true cost is known only at their end.
 */
export class ExecutionWindow {
  private readonly finished: { at: number; duration: number }[] = [];
  private readonly inFlight = new Set<{ startedAt: number }>();
  private limit: number;
  private readonly length: number;
  private sum = 0;
  private average = 0;

  /** `limit` and `length` in milliseconds. */
  constructor(limit: number, length: number) {
    this.limit = limit;
    this.length = length;
  }

  /** Milliseconds until another request may start; 0 for now. */
  delay(now: number): number {
    this.forget(now);
    let excess = this.sum + this.pending(now) + this.average - this.limit;
    if (excess <= 0) return 0;
    for (const { at, duration } of this.finished) {
      excess -= duration;
      if (excess <= 0) return Math.max(1, at + this.length - now);
    }
    // Requests in flight stand in the way too: look again soon, when one has ended.
    if (this.inFlight.size > 0) return 1_000;
    const last = this.finished.at(-1);
    return last === undefined ? 0 : Math.max(1, last.at + this.length - now);
  }

  /** Milliseconds that requests took within the window, with the requests in flight. */
  spent(now: number): number {
    this.forget(now);
    return Math.max(0, this.sum + this.pending(now));
  }

  /**
   * Milliseconds that requests took, by age: at `k` those of requests that ended `k` to `k + 1` steps ago. Requests in
   * flight count as if they ended now.
   */
  ages(now: number, step: number): number[] {
    this.forget(now);
    const ages = [Math.ceil(this.pending(now))];
    for (const { at, duration } of this.finished) {
      const age = Math.floor(Math.max(0, now - at) / step);
      while (ages.length <= age) ages.push(0);
      ages[age] = (ages[age] ?? 0) + Math.ceil(duration);
    }
    return ages;
  }

  /** Goes on with another limit, in milliseconds. */
  change(limit: number): void {
    this.limit = limit;
  }

  /** How many requests are in flight. */
  get underWay(): number {
    return this.inFlight.size;
  }

  /** Call the returned function with the time when the request has ended. */
  start(now: number): (now: number) => void {
    const request = { startedAt: now };
    this.inFlight.add(request);
    return (endedAt) => {
      if (!this.inFlight.delete(request)) return;
      const duration = Math.max(0, endedAt - request.startedAt);
      this.finished.push({ at: endedAt, duration });
      this.sum += duration;
      this.average = this.average === 0 ? duration : this.average * 0.8 + duration * 0.2;
    };
  }

  private pending(now: number): number {
    let pending = 0;
    for (const { startedAt } of this.inFlight) pending += Math.max(now - startedAt, this.average);
    return pending;
  }

  private forget(now: number): void {
    let gone = 0;
    for (const { at, duration } of this.finished) {
      if (at + this.length > now) break;
      this.sum -= duration;
      gone++;
    }
    this.finished.splice(0, gone);
  }
}
