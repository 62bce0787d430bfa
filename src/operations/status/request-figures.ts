import type { CountedRequests } from '../../mirror/state/table-status.ts';

/** How many requests to the Web API were made, and for what. */
export interface RequestFigures {
  readonly total: number;
  /** Requests for each row that was written or deleted; null before the first such row. */
  readonly perChangedRow: number | null;
  /** Requests in an hour of runs that found no change; null while no time has passed. */
  readonly perIdleHour: number | null;
  readonly since: string | null;
}

/** Nothing has been counted yet. */
export const NO_REQUESTS: RequestFigures = { total: 0, perChangedRow: null, perIdleHour: null, since: null };

/** The figures of one table or of several tables. The rate of each table counts over its own time. */
export function requestFigures(tables: readonly CountedRequests[]): RequestFigures {
  const total = sum(tables.map(({ requests }) => requests));
  const changes = sum(tables.map(({ changes: rows }) => rows));
  const rates = tables.flatMap(({ idleRequests, hours }) =>
    hours !== null && hours > 0 ? [idleRequests / hours] : [],
  );
  const begun = tables.flatMap(({ since }) => since?.getTime() ?? []);
  return {
    total,
    perChangedRow: changes > 0 ? rounded(total / changes) : null,
    perIdleHour: rates.length > 0 ? rounded(sum(rates)) : null,
    since: begun.length > 0 ? new Date(begun.reduce((a, b) => Math.min(a, b))).toISOString() : null,
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** To three digits: more would only look exact. */
function rounded(number: number): number {
  return Number(number.toPrecision(3));
}
