import { VARIETY } from './row-texts.ts';

/** The rows of a table's change, spread over the whole table. */
export interface ChangedRows {
  readonly count: number;
  /** The number of the changed row at a place, counted from 0. */
  readonly row: (at: number) => number;
  /** Whether a row of a range has changed, both ends given, the second one not in it. */
  readonly isChanged: (from: number, to: number) => boolean;
}

export function changedRows(rows: number, count: number): ChangedRows {
  const distance = Math.max(1, Math.floor(rows / Math.max(1, count)));
  const most = Math.min(rows, count);
  return {
    count: most,
    row: (at) => at * distance,
    isChanged: (from, to) => Math.ceil(from / distance) < Math.min(most, Math.ceil(to / distance)),
  };
}

/** Which prepared row comes at a place of a page: other values with every change. */
export function preparedPlace(at: number, changes: number): number {
  return (at + 7 * changes) % VARIETY;
}
