import type { Dataverse } from '../../dataverse/dataverse.ts';
import type { Background } from '../../dataverse/http/request-counts.ts';
import type { Pace } from './share-pace.ts';

/** What work brought, and how many requests it took. */
export interface Counted<T> {
  readonly value: T;
  readonly requests: number;
}

/** Does background work about one table when its share of the budget allows it, and counts the requests. */
export class CountedWork {
  private readonly table: string;
  private readonly dataverse: Pick<Dataverse, 'client' | 'budget'>;
  private readonly pace: Pace | undefined;
  private readonly kind: Background;

  /** @param pace absent, the work takes what is free. @param kind the priority of the requests to count. */
  constructor(
    table: string,
    dataverse: Pick<Dataverse, 'client' | 'budget'>,
    pace?: Pace,
    kind: Background = 'verification',
  ) {
    this.table = table;
    this.dataverse = dataverse;
    this.pace = pace;
    this.kind = kind;
  }

  /** Requests that may be in flight at once. */
  get atOnce(): number {
    return this.dataverse.budget.gauges.concurrency;
  }

  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<Counted<T>> {
    await this.pace?.wait(signal);
    const { requestCounts } = this.dataverse.client;
    const before = requestCounts.ofBackground(this.table, this.kind);
    const spent = (): number => requestCounts.ofBackground(this.table, this.kind).requests - before.requests;
    try {
      const value = await work();
      return { value, requests: spent() };
    } finally {
      const { milliseconds } = requestCounts.ofBackground(this.table, this.kind);
      this.pace?.spent(spent(), milliseconds - before.milliseconds);
    }
  }
}
