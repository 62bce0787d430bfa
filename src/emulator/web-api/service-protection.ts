import { DataverseError } from './dataverse-error.ts';
import type { ServiceLimits } from '../emulator-settings.ts';

interface Execution {
  readonly endedAt: number;
  readonly milliseconds: number;
}

/** The three service protection limits over a sliding window. Refused requests do not count, but each lengthens the wait. */
export class ServiceProtection {
  readonly #limits: ServiceLimits;
  readonly #now: () => number;
  #starts: number[] = [];
  #executions: Execution[] = [];
  #executed = 0;
  #running = 0;
  #blockedUntil = 0;
  #pushes = 0;

  constructor(limits: ServiceLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Admits a request, or refuses it with 429. The caller calls the returned function once the request is executed. */
  enter(): () => void {
    const now = this.#now();
    const { windowSeconds, requests, executionMilliseconds, concurrency } = this.#limits;
    this.#forget(now - windowSeconds * 1000);
    if (this.#running >= concurrency) {
      throw this.#refuse(
        '0x80072326',
        `Number of concurrent requests exceeded the limit of ${concurrency}.`,
        1,
      );
    }
    if (this.#starts.length >= requests) {
      const message = `Number of requests exceeded the limit of ${requests} over time window of ${windowSeconds} seconds.`;
      throw this.#refuse(
        '0x80072322',
        message,
        this.#secondsUntilFree(this.#starts[this.#starts.length - requests], now),
      );
    }
    if (this.#executed > executionMilliseconds) {
      const limit = executionMilliseconds.toLocaleString('en-US');
      const message =
        `Combined execution time of incoming requests exceeded limit of ${limit} milliseconds over time window of ${windowSeconds} seconds. ` +
        'Decrease number of concurrent requests or reduce the duration of requests and try again later.';
      throw this.#refuse('0x80072321', message, this.#secondsUntilFree(this.#executions[0]?.endedAt, now));
    }
    this.#starts.push(now);
    this.#running += 1;
    this.#pushes = 0;
    return () => {
      this.#running -= 1;
      const endedAt = this.#now();
      this.#executions.push({ endedAt, milliseconds: endedAt - now });
      this.#executed += endedAt - now;
    };
  }

  /** What the caller may still use in this window, for the rate limit headers. */
  remaining(): { requests: number; seconds: number } {
    return {
      requests: Math.max(0, this.#limits.requests - this.#starts.length),
      seconds: Math.max(0, (this.#limits.executionMilliseconds - this.#executed) / 1000),
    };
  }

  #secondsUntilFree(oldest: number | undefined, now: number): number {
    return ((oldest ?? now) + this.#limits.windowSeconds * 1000 - now) / 1000;
  }

  #refuse(code: string, message: string, seconds: number): DataverseError {
    const now = this.#now();
    this.#pushes = now < this.#blockedUntil ? this.#pushes + 1 : 0;
    const penalty = (this.#pushes * this.#limits.windowSeconds) / 300;
    const wait = Math.max(1, Math.ceil(seconds + penalty));
    this.#blockedUntil = now + wait * 1000;
    return new DataverseError(429, code, message, { 'Retry-After': String(wait) });
  }

  #forget(before: number): void {
    let gone = 0;
    while (gone < this.#starts.length && (this.#starts[gone] ?? 0) <= before) gone += 1;
    if (gone > 0) this.#starts = this.#starts.slice(gone);
    while (this.#executions.length > 0 && (this.#executions[0]?.endedAt ?? 0) <= before) {
      this.#executed -= this.#executions.shift()?.milliseconds ?? 0;
    }
  }
}
