import type { Dataverse } from '../../dataverse/dataverse.ts';
import type { Pace } from './share-pace.ts';

/** What work brought, and how many requests it took. */
export interface Counted<T> {
  readonly value: T;
  readonly requests: number;
}

/** Does a verification's work about one table when its share of the budget allows it, and counts the requests. */
export class CountedWork {
  private readonly table: string;
  private readonly dataverse: Dataverse;
  private readonly pace: Pace | undefined;

  /** @param pace absent, the work takes what is free. */
  constructor(table: string, dataverse: Dataverse, pace?: Pace) {
    this.table = table;
    this.dataverse = dataverse;
    this.pace = pace;
  }

  /** Requests that may be in flight at once. */
  get atOnce(): number {
    return this.dataverse.budget.gauges.concurrency;
  }

  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<Counted<T>> {
    await this.pace?.wait(signal);
    const { requestCounts } = this.dataverse.client;
    const before = requestCounts.ofVerification(this.table);
    const spent = (): number => requestCounts.ofVerification(this.table).requests - before.requests;
    try {
      const value = await work();
      return { value, requests: spent() };
    } finally {
      const { milliseconds } = requestCounts.ofVerification(this.table);
      this.pace?.spent(spent(), milliseconds - before.milliseconds);
    }
  }
}
