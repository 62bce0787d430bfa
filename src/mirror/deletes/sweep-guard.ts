/** How much a sweep may delete before somebody is asked. */
export interface SweepLimits {
  /** Share of a mirror table's rows, from 0 to 1; 1 lets every sweep happen. */
  readonly maxShare: number;
  /** So many rows may go whatever share they are, as long as the table is not as good as emptied. */
  readonly atLeast: number;
}

export const DEFAULT_SWEEP_LIMITS: SweepLimits = { maxShare: 0.2, atLeast: 1_000 };

/** What a sweep is about to do to a mirror table. Rows that are marked deleted count as gone. */
export interface SweepCounts {
  /** Rows that the re-baseline did not see, which the sweep would delete. */
  readonly unseen: number;
  /** All rows. */
  readonly rows: number;
}

/** Tables of so few rows may lose all of them. */
const SMALL_TABLE = 10;
/** A table of more rows than this that keeps less than a tenth of them is as good as emptied. */
const LARGER_TABLE = 100;
const ALMOST_ALL = 0.9;

/**
 * Whether a sweep may delete what it is about to. A privilege that was lost, or a security role that
 * filters, makes a load bring few rows or none, which looks as if the others had been deleted.
 */
export function mayErase({ unseen, rows }: SweepCounts, { maxShare, atLeast }: SweepLimits): boolean {
  if (maxShare >= 1) return true;
  if (unseen === rows) return rows <= SMALL_TABLE;
  if (rows > LARGER_TABLE && unseen > ALMOST_ALL * rows && unseen > maxShare * rows) return false;
  return unseen <= atLeast || unseen <= maxShare * rows;
}

/** By how much more a word that was given holds: rows go on being deleted at the source. */
const SLACK = 1.1;

/** Whether a yes to deleting `agreed` rows is one to these. */
export function coversErasure({ unseen }: SweepCounts, agreed: number): boolean {
  return unseen <= Math.ceil(agreed * SLACK);
}
