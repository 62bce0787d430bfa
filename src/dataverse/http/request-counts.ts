import type { Priority } from '../budget/budget.ts';

/** What requests cost. */
export interface Cost {
  readonly requests: number;
  /** Execution time of all of them together. */
  readonly milliseconds: number;
}

const NOTHING: Cost = { requests: 0, milliseconds: 0 };

/**
 * Counts the requests about each table that are not stored yet. Statements that are executed anyway store
 * the counts, so a process that is killed loses its last ones.
 */
export class RequestCounts {
  private readonly sent = new Map<string, number>();
  private readonly verification = new Map<string, Cost>();

  /** Counts a request that is sent now. Each attempt counts. @returns what to call when the request has ended. */
  begin(table: string, priority: Priority): () => void {
    this.sent.set(table, this.of(table) + 1);
    if (priority !== 'verification') return () => undefined;
    const begun = performance.now();
    this.spend(table, { requests: 1, milliseconds: 0 });
    return () => this.spend(table, { requests: 0, milliseconds: performance.now() - begun });
  }

  /** What this process has spent on the verification of a table. Its deltas do not count, nor does its metadata. */
  ofVerification(table: string): Cost {
    return this.verification.get(table) ?? NOTHING;
  }

  of(table: string): number {
    return this.sent.get(table) ?? 0;
  }

  /** Subtracts requests that were stored. Further requests may have been sent since. */
  recorded(table: string, requests: number): void {
    this.sent.set(table, Math.max(0, this.of(table) - requests));
  }

  private spend(table: string, more: Cost): void {
    const { requests, milliseconds } = this.ofVerification(table);
    this.verification.set(table, {
      requests: requests + more.requests,
      milliseconds: milliseconds + more.milliseconds,
    });
  }
}
