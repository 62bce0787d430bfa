import { abortable } from '../../timing/sleep.ts';
import { AGE_STEPS, type BudgetShare, type BudgetSpent } from './budget-share.ts';
import { ExecutionWindow } from './execution-window.ts';
import { BEAT, createRequestLimiter } from './request-limiter.ts';
import { StartWindow } from './start-window.ts';

/** Priorities of Bottleneck, lower first: a small delta does not wait behind a baseline of a million rows. */
const PRIORITY = { metadata: 2, delta: 4, verification: 6, baseline: 7, files: 8 } as const;
export type Priority = keyof typeof PRIORITY;

/** What waits while the requests of a day are spent. Deltas go on, and so does the metadata that they need. */
const PUT_OFF: ReadonlySet<Priority> = new Set(['verification', 'baseline', 'files']);

/** What may be spent of the API's service protection limits; every request goes through one. */
export interface Budget {
  /**
   * Runs `request` when the budget allows a request to start. Time spent in it counts as execution
   * time. Rejects with the signal's reason when aborted while waiting.
   */
  spend<T>(priority: Priority, signal: AbortSignal, request: () => Promise<T>): Promise<T>;
  /**
   * Lets nothing start for `milliseconds`: a 429 is about the identity, not about one request. What may
   * be in flight afterwards is halved, once for all requests that are refused before the wait is over.
   */
  throttle(milliseconds: number): void;
  /** Notes the limits that an answer's headers tell; for people to see, nothing is steered by them. */
  observe(headers: Headers): void;
  readonly gauges: BudgetGauges;
  /** What this process uses of the limits now; 1 is all of a limit. It is calculated when it is asked for. */
  used(): BudgetUse;
  /**
   * Lets loads and verification start until this process has sent so many more requests; then they wait until the next
   * call. Infinity for no limit.
   */
  endDayAfter(requests: number): void;
  /** Whether loads and verification wait, because the requests of a day are spent. */
  isDaySpent(): boolean;
  /** Goes on with other limits. The requests of the last five minutes count under the new ones too. */
  change(limits: BudgetLimits): void;
  /** Keeps to a share of the limits from now on, because other processes use the rest of them; undefined for no share. */
  keepTo(share: BudgetShare | undefined): void;
  /** What this process has spent of the limits, and whether it has work for more. */
  spent(): BudgetSpent;
  close(): void;
}

export interface BudgetUse {
  /** Requests in the last five minutes, of `requestsPer5Minutes`. */
  readonly requests: number;
  /** Execution time in the last five minutes, of what Dataverse allows an identity. */
  readonly executionTime: number;
  /** Requests in flight, of `concurrency`. */
  readonly concurrency: number;
}

export interface BudgetGauges {
  requests: number;
  throttled: number;
  /** By the budget's clock, `performance.now()`: nothing starts before. */
  throttledUntil: number;
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
  /** Told, whenever a throttle begins or becomes longer, how many milliseconds it goes on from now. */
  readonly onThrottle?: (milliseconds: number) => void;
  /** Milliseconds over which the limits count, where they are not those of Dataverse, as in a test. */
  readonly window?: number | undefined;
}

/** Service protection limits count over five minutes (documented in "Service protection API limits"). */
export const WINDOW = 300_000;
/** Combined execution time within the window, of 1,200 s; the rest is for what clocks disagree on. */
export const EXECUTION_LIMIT = 1_180_000;
/** Milliseconds without a refusal after which one more request may be in flight. */
const REGROWTH = 10_000;
/** More requests than any reservoir holds. Bottleneck starts nothing while its reservoir lacks so many. */
const SHUT = 1e9;

/**
 * Every request is a job of Bottleneck, which orders the requests by priority, bounds how many are in
 * flight, and lets half of a window's requests go at once while its reservoir gets the other half back
 * evenly. So a backfill is never followed by minutes in which deltas cannot run.
 *
 * Three things Bottleneck does not know, and they stand here: the wait after a 429, and the two sliding
 * windows. The windows are the promise itself: a full reservoir and its refill could meet in one of them.
 * While one of the three speaks against a start, the reservoir is taken away, so that the requests wait in
 * Bottleneck's line, by priority, and hold no place in flight.
 */
export function createBudget(
  first: BudgetLimits,
  { now = () => performance.now(), onThrottle, window = WINDOW }: BudgetOptions = {},
): Budget {
  let configured = first;
  let share: BudgetShare | undefined;
  let limits = first;
  let { burst, refill } = sharesOf(limits, window);
  const executionLimit = (EXECUTION_LIMIT * window) / WINDOW;
  const limiter = createRequestLimiter({ maxConcurrent: limits.concurrency, burst, refill });
  const starts = new StartWindow(limits.requestsPer5Minutes, window);
  const execution = new ExecutionWindow(executionLimit, window);
  const gauges: BudgetGauges = {
    requests: 0,
    throttled: 0,
    throttledUntil: 0,
    concurrency: limits.concurrency,
  };
  let turns = 0;
  /** The count of `gauges.requests` at which loads and verification wait. */
  let dayEnd = Number.POSITIVE_INFINITY;
  let putOff: (() => void)[] = [];
  let isShut = false;
  let wasPressed = false;
  /** The count of `gauges.requests` at which the share becomes scarce. */
  let scarceAt = Number.POSITIVE_INFINITY;
  /** When the wait ends that this process itself was told. */
  let refusedUntil = 0;
  let opening: NodeJS.Timeout | undefined;
  let regrowth: NodeJS.Timeout | undefined;

  /** Milliseconds until a request may start; 0 for now. */
  function delay(at: number): number {
    // Only another share, which opens the line again, ends this.
    if (share !== undefined && (share.concurrency === 0 || at >= share.until))
      return Number.POSITIVE_INFINITY;
    return Math.max(0, gauges.throttledUntil - at, starts.delay(at), execution.delay(at));
  }

  function isPutOff(priority: Priority): boolean {
    return gauges.requests >= dayEnd && PUT_OFF.has(priority);
  }

  /** Shuts or opens the line, as the throttle and the windows say, and looks again when that may change. */
  function settle(): void {
    const milliseconds = delay(now());
    const mustWait = milliseconds > 0;
    clearTimeout(opening);
    // Bottleneck keeps the process alive while requests wait, so this timer need not.
    if (Number.isFinite(milliseconds) && mustWait)
      opening = setTimeout(settle, Math.ceil(milliseconds)).unref();
    if (mustWait === isShut) return;
    isShut = mustWait;
    // The refill goes on while the line is shut, up to the same burst.
    void limiter.updateSettings({ reservoirIncreaseMaximum: isShut ? burst - SHUT : burst });
    void limiter.incrementReservoir(isShut ? -SHUT : SHUT);
  }

  /** Lets so many requests be in flight, and one more for every ten seconds after `since`. */
  function allow(concurrency: number, since: number): void {
    gauges.concurrency = concurrency;
    void limiter.updateSettings({ maxConcurrent: concurrency });
    clearTimeout(regrowth);
    if (concurrency >= limits.concurrency) return;
    const next = since + REGROWTH;
    regrowth = setTimeout(() => allow(concurrency + 1, next), Math.ceil(next - now())).unref();
  }

  /** Goes on with what configuration and share allow together. */
  function follow(): void {
    const { concurrency: before } = limits;
    const most = Number.POSITIVE_INFINITY;
    const next = {
      requestsPer5Minutes: Math.min(configured.requestsPer5Minutes, share?.part ?? most),
      // Bottleneck refuses every request if none may be in flight. The line is shut then.
      concurrency: Math.max(1, Math.min(configured.concurrency, share?.concurrency ?? most)),
    };
    starts.change(Math.min(configured.requestsPer5Minutes, share?.requests ?? most));
    execution.change(Math.min(executionLimit, share?.executionTime ?? executionLimit));
    if (next.requestsPer5Minutes !== limits.requestsPer5Minutes) {
      ({ burst, refill } = sharesOf(next, window));
      void limiter.updateSettings({
        reservoirIncreaseAmount: refill * BEAT,
        reservoirIncreaseMaximum: isShut ? burst - SHUT : burst,
      });
    }
    limits = next;
    if (next.concurrency !== before) {
      const isHalved = gauges.concurrency < before;
      const concurrency = isHalved ? Math.min(gauges.concurrency, next.concurrency) : next.concurrency;
      allow(concurrency, Math.max(now(), gauges.throttledUntil));
    }
    settle();
  }

  /**
   * Performs a request in its turn. It performs nothing, and resolves to undefined, where the line was shut,
   * the day was spent or the signal aborted in the moment before: Bottleneck has no way to take a job out of its line.
   */
  async function perform<T>(
    priority: Priority,
    signal: AbortSignal,
    request: () => Promise<T>,
  ): Promise<{ readonly value: T } | undefined> {
    const at = now();
    if (signal.aborted || delay(at) > 0 || isPutOff(priority)) {
      wasPressed = true;
      settle();
      void limiter.incrementReservoir(1);
      return undefined;
    }
    gauges.requests++;
    starts.record(at);
    if (gauges.requests >= scarceAt) {
      scarceAt = Number.POSITIVE_INFINITY;
      share?.onScarce();
    }
    const ended = execution.start(at);
    settle();
    try {
      return { value: await request() };
    } finally {
      ended(now());
      settle();
    }
  }

  /** Waits for a turn, and for another one where nothing could be performed in the first. */
  async function takeTurn<T>(priority: Priority, signal: AbortSignal, request: () => Promise<T>): Promise<T> {
    for (;;) {
      signal.throwIfAborted();
      if (isPutOff(priority)) {
        await new Promise<void>((resolve) => putOff.push(resolve));
        continue;
      }
      const options = { priority: PRIORITY[priority], id: String(++turns) };
      const performed = await limiter.schedule(options, async () => perform(priority, signal, request));
      if (performed !== undefined) return performed.value;
    }
  }

  return {
    gauges,
    async spend(priority, signal, request) {
      return abortable(takeTurn(priority, signal, request), signal);
    },
    throttle(milliseconds) {
      const at = now();
      const until = at + milliseconds;
      const isLonger = until > gauges.throttledUntil;
      const isFirst = at >= gauges.throttledUntil;
      gauges.throttled++;
      gauges.throttledUntil = Math.max(until, gauges.throttledUntil);
      refusedUntil = Math.max(until, refusedUntil);
      allow(isFirst ? Math.max(1, gauges.concurrency >> 1) : gauges.concurrency, gauges.throttledUntil);
      settle();
      if (isLonger) onThrottle?.(milliseconds);
    },
    endDayAfter(requests) {
      dayEnd = gauges.requests + requests;
      const waiting = putOff;
      putOff = [];
      for (const look of waiting) look();
    },
    isDaySpent: () => gauges.requests >= dayEnd,
    used() {
      const at = now();
      return {
        requests: starts.within(at) / configured.requestsPer5Minutes,
        executionTime: execution.spent(at) / executionLimit,
        concurrency: execution.underWay / configured.concurrency,
      };
    },
    change(next) {
      configured = next;
      follow();
    },
    keepTo(next) {
      share = next;
      scarceAt = Number.POSITIVE_INFINITY;
      if (next !== undefined) {
        scarceAt = gauges.requests + Math.ceil((next.requests - starts.within(now())) / 2);
        gauges.throttledUntil = Math.max(gauges.throttledUntil, now() + next.throttledFor);
      }
      follow();
    },
    spent() {
      const at = now();
      const step = window / AGE_STEPS;
      const isPressed = wasPressed || limiter.queued() > 0;
      wasPressed = false;
      return {
        requests: starts.ages(at, step),
        executionTime: execution.ages(at, step),
        inFlight: execution.underWay,
        throttledFor: Math.max(0, refusedUntil - at),
        isPressed,
      };
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
      clearTimeout(opening);
      clearTimeout(regrowth);
      void limiter.disconnect();
    },
  };
}

/** How many requests may start at once, and how many come back to the burst in a millisecond. */
function sharesOf({ requestsPer5Minutes }: BudgetLimits, window: number): { burst: number; refill: number } {
  const burst = Math.max(1, Math.floor(requestsPer5Minutes / 2));
  return { burst, refill: Math.max(1, requestsPer5Minutes - burst) / window };
}

/** `1,200.00` is how one live environment writes seconds; some headers come twice, joined by a comma. */
function numberHeader(headers: Headers, name: string): number | undefined {
  const value = headers.get(name)?.split(', ')[0]?.replaceAll(',', '');
  const number = value === undefined || value === '' ? Number.NaN : Number(value);
  return Number.isFinite(number) ? number : undefined;
}
