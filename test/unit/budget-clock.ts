import { afterEach, beforeEach, vi } from 'vitest';
import {
  createBudget,
  type Budget,
  type BudgetLimits,
  type BudgetOptions,
  type Priority,
} from '../../src/dataverse/budget/budget.ts';

/** Bottleneck starts a request by a timer of no time, which takes a millisecond of fake time. */
export const TURN = 1;

/** Fake time for the budget and everything it waits with, in every test of the file. */
export function useFakeClock(): void {
  beforeEach(() => {
    vi.useFakeTimers({
      fakeNodeBuiltins: true,
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
    });
    vi.setSystemTime(0);
  });
  afterEach(() => {
    vi.useRealTimers();
  });
}

/** A budget of fake time that notes each start. */
export class BudgetUnderTest {
  readonly budget: Budget;
  readonly starts: { readonly name: string; readonly at: number }[] = [];
  inFlight = 0;
  mostInFlight = 0;

  constructor(limits: Partial<BudgetLimits> = {}, options: BudgetOptions = {}) {
    const all = { requestsPer5Minutes: 6_000, concurrency: 8, ...limits };
    this.budget = createBudget(all, { now: Date.now, ...options });
  }

  /** Asks for a request that takes `duration`; resolves to when it ended, or its rejection. */
  async request(
    name: string,
    options: { duration?: number; priority?: Priority; signal?: AbortSignal } = {},
  ): Promise<number | Error> {
    const { duration = 10, priority = 'delta', signal = new AbortController().signal } = options;
    try {
      return await this.budget.spend(priority, signal, async () => {
        this.starts.push({ name, at: Date.now() });
        this.mostInFlight = Math.max(this.mostInFlight, ++this.inFlight);
        await new Promise((resolve) => setTimeout(resolve, duration));
        this.inFlight--;
        return Date.now();
      });
    } catch (error) {
      return error as Error;
    }
  }

  requests(
    count: number,
    options: Parameters<BudgetUnderTest['request']>[1] = {},
  ): Promise<number | Error>[] {
    return Array.from({ length: count }, async (_, at) => this.request(`r${at}`, options));
  }

  get names(): string[] {
    return this.starts.map(({ name }) => name);
  }

  /** The most starts in any five minutes, both ends included. */
  densest(): number {
    return Math.max(
      0,
      ...this.starts.map(
        ({ at: from }) => this.starts.filter(({ at }) => at >= from && at <= from + 300_000).length,
      ),
    );
  }

  close(): void {
    this.budget.close();
  }

  startedBy(time: number): number {
    return this.starts.filter(({ at }) => at <= time).length;
  }
}

/** Lets fake time pass. */
export async function pass(milliseconds: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(milliseconds);
}
