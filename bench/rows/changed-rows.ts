import { VARIETY } from './row-texts.ts';

/** The rows of a table's change, spread over the whole table. */
export interface ChangedRows {
  readonly count: number;
  /** The number of the changed row at a place, counted from 0. */
  readonly row: (at: number) => number;
}

export function changedRows(rows: number, count: number): ChangedRows {
  const distance = Math.max(1, Math.floor(rows / Math.max(1, count)));
  return { count: Math.min(rows, count), row: (at) => at * distance };
}

/** Which prepared row comes at a place of a page: other values with every change. */
export function preparedPlace(at: number, changes: number): number {
  return (at + 7 * changes) % VARIETY;
}
