/** How much a sweep may delete before a person is asked. */
export interface SweepLimits {
  /** Share of a mirror table's rows, from 0 to 1; 1 lets every sweep happen. */
  readonly maxShare: number;
  /** So many rows may go whatever their share, as long as the table is not almost emptied. */
  readonly atLeast: number;
}

export const DEFAULT_SWEEP_LIMITS: SweepLimits = { maxShare: 0.2, atLeast: 1_000 };

/** What a sweep would delete from a mirror table. Rows that are already marked deleted do not count. */
export interface SweepCounts {
  /** Rows that the re-baseline did not see, which the sweep would delete. */
  readonly unseen: number;
  /** All rows. */
  readonly rows: number;
}

/** Tables with at most so many rows may lose all of them. */
const SMALL_TABLE = 10;
/** A table with more rows than this that keeps less than a tenth of them is almost emptied. */
const LARGER_TABLE = 100;
const ALMOST_ALL = 0.9;

/** Whether so many rows are too many to be changed or deleted unasked. */
export function isMuch(changed: number, rows: number, { maxShare, atLeast }: SweepLimits): boolean {
  return maxShare < 1 && changed > atLeast && changed > maxShare * rows;
}

/**
 * Whether a sweep may delete so many rows unasked. A lost privilege or a security role that filters makes a
 * load bring few rows or none, as if the others had been deleted.
 */
export function mayErase({ unseen, rows }: SweepCounts, limits: SweepLimits): boolean {
  const { maxShare } = limits;
  if (maxShare >= 1) return true;
  if (unseen === rows) return rows <= SMALL_TABLE;
  if (rows > LARGER_TABLE && unseen > ALMOST_ALL * rows && unseen > maxShare * rows) return false;
  return !isMuch(unseen, rows, limits);
}

/** How many times the agreed rows a yes covers, because rows go on being deleted at the source. */
const SLACK = 1.1;

/** Whether a yes to deleting `agreed` rows covers these. */
export function coversErasure({ unseen }: SweepCounts, agreed: number): boolean {
  return unseen <= Math.ceil(agreed * SLACK);
}
