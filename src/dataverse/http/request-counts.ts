import type { Priority } from '../budget/budget.ts';

/** What requests cost. */
export interface Cost {
  readonly requests: number;
  /** Execution time of all of them together. */
  readonly milliseconds: number;
}

/** Work that keeps to a share of the limits. */
export type Background = Extract<Priority, 'verification' | 'files'>;

const NOTHING: Cost = { requests: 0, milliseconds: 0 };

/**
 * Counts the requests about each table that are not stored yet. Statements that are executed anyway store
 * the counts, so a process that is killed loses its last ones.
 */
export class RequestCounts {
  private readonly sent = new Map<string, number>();
  private readonly background = new Map<string, Cost>();

  /** Counts a request that is sent now. Each attempt counts. @returns what to call when the request has ended. */
  begin(table: string, priority: Priority): () => void {
    this.sent.set(table, this.of(table) + 1);
    if (!isBackground(priority)) return () => undefined;
    const begun = performance.now();
    this.spend(table, priority, { requests: 1, milliseconds: 0 });
    return () => this.spend(table, priority, { requests: 0, milliseconds: performance.now() - begun });
  }

  /** What this process has spent on work about a table that keeps to a share of the limits. */
  ofBackground(table: string, work: Background): Cost {
    return this.background.get(`${work} ${table}`) ?? NOTHING;
  }

  of(table: string): number {
    return this.sent.get(table) ?? 0;
  }

  /** Subtracts requests that were stored. Further requests may have been sent since. */
  recorded(table: string, requests: number): void {
    this.sent.set(table, Math.max(0, this.of(table) - requests));
  }

  private spend(table: string, work: Background, more: Cost): void {
    const { requests, milliseconds } = this.ofBackground(table, work);
    this.background.set(`${work} ${table}`, {
      requests: requests + more.requests,
      milliseconds: milliseconds + more.milliseconds,
    });
  }
}

function isBackground(priority: Priority): priority is Background {
  return priority === 'verification' || priority === 'files';
}
