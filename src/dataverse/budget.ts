import Bottleneck from 'bottleneck';
import { abortable, sleep } from '../model/sleep.ts';
import { ExecutionWindow } from './execution-window.ts';
import { StartWindow } from './start-window.ts';

/** Lower comes first: small deltas are not to wait behind a baseline of a million rows. */
export const PRIORITY = { metadata: 2, delta: 4, baseline: 7 } as const;
export type Priority = keyof typeof PRIORITY;

/** What may be spent of the API's service protection limits; every request goes through one. */
export interface Budget {
  /**
   * Runs `request` when the budget allows a request to start. Time spent in it counts as execution
   * time. Rejects with the signal's reason when aborted while waiting.
   */
  spend<T>(priority: Priority, signal: AbortSignal, request: () => Promise<T>): Promise<T>;
  /** Lets nothing start for `milliseconds`: a 429 is about the identity, not about one request. */
  pause(milliseconds: number): void;
  /** Notes the limits that an answer's headers tell; for people to see, nothing is steered by them. */
  observe(headers: Headers): void;
  readonly gauges: BudgetGauges;
  close(): Promise<void>;
}

export interface BudgetGauges {
  requests: number;
  throttled: number;
  pausedUntil: number;
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

/** Service protection limits count over five minutes (documented in "Service protection API limits"). */
const WINDOW = 300_000;
/** Combined execution time within the window, of 1,200 s; the rest is for what clocks disagree on. */
const EXECUTION_LIMIT = 1_180_000;

/**
 * The budget over bottleneck, which orders the waiters and bounds how many are in flight.
 *
 * Half of the window's requests may go at once, the other half is refilled evenly, so that a backfill
 * is never followed by minutes in which deltas cannot run. The two sliding windows are the promise
 * itself: a bucket's tokens are taken when a request is admitted, not when it starts, and a pause lies
 * between the two.
 */
export function createBudget(
  limits: BudgetLimits,
  // A clock that nobody sets back.
  now: () => number = () => performance.now(),
): Budget {
  const starts = new StartWindow(limits.requestsPer5Minutes, WINDOW);
  const execution = new ExecutionWindow(EXECUTION_LIMIT, WINDOW);
  const limiter = new Bottleneck({
    maxConcurrent: limits.concurrency,
    ...bucket(limits.requestsPer5Minutes),
  });
  const gauges: BudgetGauges = { requests: 0, throttled: 0, pausedUntil: 0 };

  async function mayStart(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const at = now();
      const delay = Math.max(gauges.pausedUntil - at, starts.delay(at), execution.delay(at));
      if (delay <= 0) return;
      await sleep(delay, signal);
    }
  }

  return {
    gauges,
    async spend(priority, signal, request) {
      signal.throwIfAborted();
      const admitted = limiter.schedule({ priority: PRIORITY[priority] }, async () => {
        await mayStart(signal);
        const startedAt = now();
        starts.record(startedAt);
        gauges.requests++;
        const end = execution.start(startedAt);
        try {
          return await request();
        } finally {
          end(now());
        }
      });
      return abortable(admitted, signal);
    },
    pause(milliseconds) {
      gauges.throttled++;
      gauges.pausedUntil = Math.max(gauges.pausedUntil, now() + milliseconds);
    },
    observe(headers) {
      const hint = numberHeader(headers, 'x-ms-dop-hint');
      const requests = numberHeader(headers, 'x-ms-ratelimit-burst-remaining-xrm-requests');
      const seconds = numberHeader(headers, 'x-ms-ratelimit-time-remaining-xrm-requests');
      if (hint !== undefined) gauges.parallelismHint = hint;
      if (requests !== undefined) gauges.remainingRequests = requests;
      if (seconds !== undefined) gauges.remainingSeconds = seconds;
    },
    async close() {
      await limiter.disconnect(true);
    },
  };
}

/** Seconds between two refills, at most. */
const LONGEST_REFILL = 30;

/** bottleneck's reservoir for a token bucket that holds at most half and refills the other half. */
export function bucket(requestsPerWindow: number): Bottleneck.ConstructorOptions {
  const burst = Math.max(1, Math.floor(requestsPerWindow / 2));
  const refill = Math.max(1, requestsPerWindow - burst);
  // Refills are whole requests: of the intervals that allow at least one, that which loses least.
  let seconds = Math.ceil(WINDOW / 1000 / refill);
  const perSecond = (interval: number): number => Math.floor((refill * interval * 1000) / WINDOW) / interval;
  for (let interval = seconds + 1; interval <= LONGEST_REFILL; interval++) {
    if (perSecond(interval) > perSecond(seconds)) seconds = interval;
  }
  return {
    reservoir: burst,
    reservoirIncreaseInterval: seconds * 1000,
    reservoirIncreaseAmount: Math.max(1, Math.round(perSecond(seconds) * seconds)),
    reservoirIncreaseMaximum: burst,
    heartbeatInterval: 250,
  };
}

/** `1,200.00` is how one live environment writes seconds; some headers come twice, joined by a comma. */
function numberHeader(headers: Headers, name: string): number | undefined {
  const value = headers.get(name)?.split(', ')[0]?.replaceAll(',', '');
  const number = value === undefined || value === '' ? Number.NaN : Number(value);
  return Number.isFinite(number) ? number : undefined;
}
