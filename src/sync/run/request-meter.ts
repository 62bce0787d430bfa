import type { RequestCounts } from '../../dataverse/http/request-counts.ts';

/** One table's requests that are not on record yet. */
export interface RequestMeter {
  readonly sent: () => number;
  /** So many of them are now. */
  readonly recorded: (requests: number) => void;
}

export function requestMeter(counts: RequestCounts, table: string): RequestMeter {
  return {
    sent: () => counts.of(table),
    recorded: (requests) => counts.recorded(table, requests),
  };
}
