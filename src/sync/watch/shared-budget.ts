import type { Logger } from 'pino';
import { EXECUTION_LIMIT, WINDOW, type Budget } from '../../dataverse/budget/budget.ts';
import {
  AGE_STEPS,
  fairShare,
  nextOf,
  weightOf,
  type BudgetShare,
  type BudgetSpent,
  type SharedLimits,
  type SharingProcess,
} from '../../dataverse/budget/budget-share.ts';
import { renewShare, type GrantedShare } from '../../mirror/lease/budget-shares.ts';
import type { Replicas } from '../schedule/replicas.ts';
import type { StateStore } from '../../mirror/state/store.ts';
import { toFailure } from '../../model/failure.ts';

/** Milliseconds. */
export interface ShareTimes {
  /** The window that the limits are about. */
  readonly window: number;
  /** Between two renewals of a share. */
  readonly every: number;
  /** For which a share may be used. */
  readonly validFor: number;
}

/** A share is valid for so long at most. */
const VALID_FOR = 6_000;
/** Milliseconds between two renewals while the others have not yet given anything back. */
const IN_NEED = 250;
const NOTHING: SharedLimits = { requests: 0, concurrency: 0, executionTime: 0 };

export interface SharedBudgetParts {
  readonly store: StateStore;
  readonly budget: Pick<Budget, 'spent' | 'keepTo'>;
  /** Names who signs in; see `identityDigest`. */
  readonly identity: string;
  /** Names this process. */
  readonly process: string;
  /** Is told at each renewal which daemons mirror the same tables. */
  readonly replicas: Pick<Replicas, 'group' | 'observe'>;
  /** The configured limits, asked at each renewal. */
  readonly limits: () => { readonly requestsPer5Minutes: number; readonly concurrency: number };
  readonly logger: Logger;
  readonly times: ShareTimes;
}

/** @param lease milliseconds for which a killed process keeps its tables. It keeps its share no longer than that. */
export function shareTimes(lease: number): ShareTimes {
  const validFor = Math.min(VALID_FOR, lease);
  return { window: WINDOW, every: validFor / 3, validFor };
}

/**
 * Keeps the budget of this process to its share of what Dataverse allows the identity, over all processes with the same
 * identity and state. Each process renews its share every two seconds, and tells what it has spent. A process that needs
 * less makes its share smaller at once; a share grows only into what the others have given back, or what has left the
 * window. While a share cannot be renewed, it runs out, and nothing is sent.
 */
export class SharedBudget {
  private readonly parts: SharedBudgetParts;
  private readonly times: ShareTimes;
  private others: readonly SharingProcess[] = [];
  private share: BudgetShare | undefined;
  private isClosed = false;
  private isFailing = false;
  private timer: NodeJS.Timeout | undefined;
  private underWay: Promise<void> | undefined;

  constructor(parts: SharedBudgetParts) {
    this.parts = parts;
    this.times = parts.times;
  }

  /** Takes the first share. @throws Failure; the budget has no share then, as before the call. */
  async join(): Promise<void> {
    try {
      // The first call tells who else is there, and makes this process known to them.
      await this.renewOnce();
      await this.renewOnce();
    } catch (error) {
      // Nobody renews the share. Within it, the process could send nothing, not even to open the state again.
      this.parts.budget.keepTo(undefined);
      throw error;
    }
    this.schedule(this.times.every);
  }

  /** Renews now, for instance because the environment makes the identity wait. */
  renewNow(): void {
    // A renewal under way has the timer of the next one to itself: without it, no renewal would follow.
    if (this.isClosed || this.timer === undefined || this.underWay !== undefined) return;
    clearTimeout(this.timer);
    this.renewInTurn();
  }

  /** Gives the share back. It never rejects. */
  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.timer);
    await this.underWay;
    // A database that did not answer the last time must not hold up the end of the process.
    if (!this.isFailing) await this.ask(NOTHING, 0, this.parts.budget.spent(), 0).catch(() => undefined);
  }

  private schedule(milliseconds: number): void {
    // It keeps the process alive: requests may wait for a share, and for nothing else.
    this.timer = setTimeout(() => this.renewInTurn(), milliseconds);
  }

  private renewInTurn(): void {
    this.underWay ??= this.renew().finally(() => (this.underWay = undefined));
  }

  private async renew(): Promise<void> {
    let next = this.times.every;
    try {
      const mayBegin = await this.renewOnce();
      if (!mayBegin) next = Math.min(next, IN_NEED);
      this.isFailing = false;
    } catch (error) {
      this.isFailing = true;
      const { code } = toFailure(error);
      this.parts.logger.debug({ code }, 'The share of the budget could not be renewed.');
    }
    if (!this.isClosed) this.schedule(next);
  }

  /** @returns whether the process may send anything. @throws Failure */
  private async renewOnce(): Promise<boolean> {
    const { budget, process, replicas } = this.parts;
    const limits = this.limits();
    const before = this.share;
    // A process that has just come has work.
    const weight = before === undefined ? 1 : weightOf(budget.spent(), limits);
    const fair = fairShare(limits, [...this.others, { process, weight }], process, turn());
    // What is given back may be somebody else's before the answer comes, so nothing of it is spent from here on.
    if (before !== undefined) this.keepTo(lesser(before, fair), fair, before.until, 0);
    const spent = budget.spent();
    const { validFor } = this.times;
    const wanted = before === undefined ? NOTHING : lesser(fair, nextOf(spent, limits, validFor));
    const begun = performance.now();
    const renewed = await this.ask(wanted, weight, spent, validFor);
    const { granted, processes, throttledFor } = renewed;
    replicas.observe(renewed.replicas);
    this.others = processes.filter((other) => other.process !== process);
    this.keepTo(granted, fair, begun + validFor, throttledFor);
    return granted.concurrency > 0 && granted.requests > 0;
  }

  private keepTo(granted: SharedLimits, fair: SharedLimits, until: number, throttledFor: number): void {
    const { requests, concurrency, executionTime } = granted;
    const onScarce = (): void => this.renewNow();
    const part = fair.requests;
    this.share = { requests, part, concurrency, executionTime, until, throttledFor, onScarce };
    this.parts.budget.keepTo(this.share);
  }

  private limits(): SharedLimits {
    const { requestsPer5Minutes, concurrency } = this.parts.limits();
    return {
      requests: requestsPer5Minutes,
      concurrency,
      executionTime: (EXECUTION_LIMIT * this.times.window) / WINDOW,
    };
  }

  private async ask(
    wanted: SharedLimits,
    weight: number,
    spent: BudgetSpent,
    validFor: number,
  ): Promise<GrantedShare> {
    const { store, identity, process, replicas } = this.parts;
    const { requests, executionTime, inFlight, throttledFor } = spent;
    const { window } = this.times;
    return renewShare(store, {
      identity,
      process,
      group: replicas.group(),
      weight,
      wanted,
      limits: this.limits(),
      spentRequests: requests,
      spentTime: executionTime,
      inFlight,
      throttledFor,
      window,
      step: window / AGE_STEPS,
      validFor,
    });
  }
}

function lesser(one: SharedLimits, other: SharedLimits): SharedLimits {
  return {
    requests: Math.min(one.requests, other.requests),
    concurrency: Math.min(one.concurrency, other.concurrency),
    executionTime: Math.min(one.executionTime, other.executionTime),
  };
}

/** A number that grows by one each minute. */
function turn(): number {
  return Math.floor(Date.now() / 60_000);
}
