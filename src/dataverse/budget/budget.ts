import { abortable } from '../../timing/sleep.ts';
import { waitInLine } from '../../timing/places.ts';
import { AdaptiveConcurrency } from './adaptive-concurrency.ts';
import { ExecutionWindow } from './execution-window.ts';
import { StartWindow } from './start-window.ts';
import { TokenBucket } from './token-bucket.ts';
import { WaitingLine } from './waiting-line.ts';

/** Lower comes first: small deltas are not to wait behind a baseline of a million rows. */
const PRIORITY = { metadata: 2, delta: 4, baseline: 7 } as const;
export type Priority = keyof typeof PRIORITY;

/** What may be spent of the API's service protection limits; every request goes through one. */
export interface Budget {
  /**
   * Runs `request` when the budget allows a request to start. Time spent in it counts as execution
   * time. Rejects with the signal's reason when aborted while waiting.
   */
  spend<T>(priority: Priority, signal: AbortSignal, request: () => Promise<T>): Promise<T>;
  /**
   * Lets nothing start for `milliseconds`: a 429 is about the identity, not about one request. What may
   * be in flight afterwards is halved, once for all requests that are refused before the pause is over.
   */
  pause(milliseconds: number): void;
  /** Notes the limits that an answer's headers tell; for people to see, nothing is steered by them. */
  observe(headers: Headers): void;
  readonly gauges: BudgetGauges;
  close(): void;
}

export interface BudgetGauges {
  requests: number;
  throttled: number;
  /** By the budget's clock, `performance.now()`: nothing starts before. */
  pausedUntil: number;
  /** How many may be in flight just now. */
  concurrency: number;
  /** `x-ms-dop-hint`: the parallelism the server recommends. */
  parallelismHint?: number;
  /** `x-ms-ratelimit-burst-remaining-xrm-requests` of the server that answered last. */
  remainingRequests?: number;
  /** `x-ms-ratelimit-time-remaining-xrm-requests`, seconds. */
  remainingSeconds?: number;
}

export interface BudgetLimits {
  readonly requestsPer5Minutes: number;
  readonly concurrency: number;
}

export interface BudgetOptions {
  /** Milliseconds; a clock that nobody sets back. */
  readonly now?: () => number;
  /** Told, whenever a pause begins or becomes longer, how many milliseconds it goes on from now. */
  readonly onPause?: (milliseconds: number) => void;
}

/** Service protection limits count over five minutes (documented in "Service protection API limits"). */
const WINDOW = 300_000;
/** Combined execution time within the window, of 1,200 s; the rest is for what clocks disagree on. */
const EXECUTION_LIMIT = 1_180_000;

/**
 * One line of waiters by priority, of which the first starts once nothing speaks against it: no pause,
 * room in flight, a token of the bucket, room in the two sliding windows.
 *
 * Half of the window's requests may go at once, the other half comes back evenly, so that a backfill
 * is never followed by minutes in which deltas cannot run. The windows are the promise itself: full
 * buckets and what comes back could meet in one of them.
 */
export function createBudget(
  limits: BudgetLimits,
  { now = () => performance.now(), onPause }: BudgetOptions = {},
): Budget {
  const starts = new StartWindow(limits.requestsPer5Minutes, WINDOW);
  const execution = new ExecutionWindow(EXECUTION_LIMIT, WINDOW);
  const bucket = bucketOf(limits.requestsPer5Minutes, now());
  const concurrency = new AdaptiveConcurrency(limits.concurrency);
  const line = new WaitingLine<(ended: () => void) => void>();
  const gauges: BudgetGauges = { requests: 0, throttled: 0, pausedUntil: 0, concurrency: limits.concurrency };
  let inFlight = 0;
  let nextLook: NodeJS.Timeout | undefined;

  /** Lets those start that may; looks again when the next one may, or when a request ends. */
  function admit(): void {
    clearTimeout(nextLook);
    while (!line.isEmpty) {
      const at = now();
      gauges.concurrency = concurrency.limit(at);
      if (inFlight >= gauges.concurrency) {
        // Requests that hang are not to hold the others for as long as they do.
        const more = concurrency.untilMore(at);
        if (more !== undefined) nextLook = setTimeout(admit, Math.ceil(more));
        return;
      }
      const delay = Math.max(
        gauges.pausedUntil - at,
        bucket.delay(at),
        starts.delay(at),
        execution.delay(at),
      );
      if (delay > 0) {
        nextLook = setTimeout(admit, Math.ceil(delay));
        return;
      }
      gauges.requests++;
      bucket.take(at);
      starts.record(at);
      line.take()?.(started(at));
    }
  }

  /** Counts a request as started; call what it returns when the request has ended. */
  function started(at: number): () => void {
    inFlight++;
    const end = execution.start(at);
    return () => {
      inFlight--;
      end(now());
      admit();
    };
  }

  /** Waits for a place; call what it resolves to when the request has ended. */
  async function place(priority: Priority, signal: AbortSignal): Promise<() => void> {
    return waitInLine(signal, (start) => {
      line.add(PRIORITY[priority], start);
      admit();
      return () => line.remove(start);
    });
  }

  return {
    gauges,
    async spend(priority, signal, request) {
      const ended = await place(priority, signal);
      return abortable(request().finally(ended), signal);
    },
    pause(milliseconds) {
      const at = now();
      const until = at + milliseconds;
      gauges.throttled++;
      if (at >= gauges.pausedUntil) concurrency.halve(until);
      else concurrency.extend(until);
      gauges.concurrency = concurrency.limit(at);
      if (until <= gauges.pausedUntil) return;
      gauges.pausedUntil = until;
      onPause?.(milliseconds);
    },
    observe(headers) {
      const hint = numberHeader(headers, 'x-ms-dop-hint');
      const requests = numberHeader(headers, 'x-ms-ratelimit-burst-remaining-xrm-requests');
      const seconds = numberHeader(headers, 'x-ms-ratelimit-time-remaining-xrm-requests');
      if (hint !== undefined) gauges.parallelismHint = hint;
      if (requests !== undefined) gauges.remainingRequests = requests;
      if (seconds !== undefined) gauges.remainingSeconds = seconds;
    },
    close() {
      clearTimeout(nextLook);
    },
  };
}

/** A bucket that holds at most half of a window's requests and is given the other half evenly. */
export function bucketOf(requestsPerWindow: number, now: number): TokenBucket {
  const burst = Math.max(1, Math.floor(requestsPerWindow / 2));
  return new TokenBucket(burst, WINDOW / Math.max(1, requestsPerWindow - burst), now);
}

/** `1,200.00` is how one live environment writes seconds; some headers come twice, joined by a comma. */
function numberHeader(headers: Headers, name: string): number | undefined {
  const value = headers.get(name)?.split(', ')[0]?.replaceAll(',', '');
  const number = value === undefined || value === '' ? Number.NaN : Number(value);
  return Number.isFinite(number) ? number : undefined;
}
