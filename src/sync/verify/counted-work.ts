import type { RequestCounts } from '../../dataverse/http/request-counts.ts';
import type { Pace } from './share-pace.ts';

/** Milliseconds of a request at most, by the default of `limits.requestTimeout`. */
const LONGEST_REQUEST = 120_000;

/** Does work with requests about one table when its share of the budget allows it, and counts the requests. */
export class CountedWork {
  private readonly table: string;
  private readonly counts: RequestCounts;
  private readonly pace: Pace | undefined;

  /** @param pace absent, the work takes what is free. */
  constructor(table: string, counts: RequestCounts, pace?: Pace) {
    this.table = table;
    this.counts = counts;
    this.pace = pace;
  }

  async run<T>(
    signal: AbortSignal,
    work: () => Promise<T>,
  ): Promise<{ readonly value: T; readonly requests: number }> {
    await this.pace?.wait(signal);
    const before = this.counts.ever(this.table);
    const start = performance.now();
    try {
      const value = await work();
      return { value, requests: this.counts.ever(this.table) - before };
    } finally {
      // The table's own deltas meanwhile count too, so the share is rather kept too well.
      const requests = this.counts.ever(this.table) - before;
      // What takes longer has waited for the budget: after a day whose requests were spent, it would rest for days.
      const milliseconds = Math.min(performance.now() - start, requests * LONGEST_REQUEST);
      this.pace?.spent(requests, milliseconds);
    }
  }
}
