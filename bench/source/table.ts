/** A table that the source has. */
export interface SourceTable {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
}

export interface SourceOptions {
  readonly tables: readonly SourceTable[];
  /** Milliseconds that an answer with rows takes, and one with metadata; none without it. */
  readonly latency?: { readonly rows: number; readonly metadata: number };
}

/** What the source is told to do, each answered by its counts. */
export type SourceOrder =
  /** So many rows of a table change. */
  | { readonly order: 'change'; readonly table: string; readonly rows: number }
  | { readonly order: 'count' }
  /** Begins to count anew. */
  | { readonly order: 'forget' };

export interface SourceCounts {
  /** Requests for rows. */
  readonly pages: number;
  /** All other requests. */
  readonly metadata: number;
  /** Bytes. */
  readonly largestPage: number;
  /** By the clock that all processes of a machine have in common, nanoseconds; null before it. */
  readonly firstRequestAt: string | null;
}

export function entitySet({ name }: SourceTable): string {
  return `${name}s`;
}
