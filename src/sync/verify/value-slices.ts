import type { VersionWindow } from '../../dataverse/feed/comparison-read.ts';
import type { VerificationProgress } from '../../mirror/verify/verify-records.ts';

/** How the values of a table are compared by its sweeps, a slice of the row versions with each. */
export interface RollingValues {
  /** Milliseconds between two sweeps. */
  readonly every: number;
  /** Milliseconds within which every value is compared once. */
  readonly values: number;
}

/** What the next slice depends on. */
export interface SliceBasis {
  /** Milliseconds since the last round ended. */
  readonly age: number;
  /** Milliseconds since the last slice ended; null before the first one of a round. */
  readonly sinceSlice: number | null;
  /** Rows, about, that the round has not come to yet. */
  readonly rows: number;
  readonly pageSize: number;
  /** Whether the environment gives the rows by their versions. Otherwise all values are compared at once. */
  readonly isDivisible: boolean;
}

/**
 * About how many rows the next slice has: what is left, spread over the sweeps that are left. A slice of less than a
 * page saves nothing, so a table with fewer pages than that waits for as long as its pages allow.
 *
 * @returns `rest` for all that is left; null for no slice with this sweep.
 */
export function rowsOfSlice(
  { age, sinceSlice, rows, pageSize, isDivisible }: SliceBasis,
  { every, values }: RollingValues,
): number | 'rest' | null {
  const left = values - age;
  if (left <= 0) return 'rest';
  // A sweep that somebody asked for comes between two others. It does not hasten the round.
  if (sinceSlice !== null && sinceSlice < every) return null;
  const sweeps = Math.max(1, Math.round(left / every));
  const slices = isDivisible ? Math.max(1, Math.ceil(rows / pageSize)) : 1;
  if (slices < sweeps) return null;
  return sweeps === 1 ? 'rest' : Math.ceil(rows / sweeps);
}

/** Where a window above a version ends: at a bound, but never across an end of the slice. */
export function endOfWindow(
  above: bigint | null,
  bound: bigint | null,
  slice: VersionWindow | null,
): bigint | null {
  const ends = [bound, slice?.above ?? null, slice?.upTo ?? null].filter((end) => end !== null);
  return ends
    .filter((end) => above === null || end > above)
    .reduce<bigint | null>((least, end) => (least === null || end < least ? end : least), null);
}

/** Whether the rows of a window are read with all their values. */
export function readsValues({ method, slice }: Compared, { above, upTo }: VersionWindow): boolean {
  if (slice === null) return method === 'values';
  const beginsInside = slice.above === null || (above !== null && above >= slice.above);
  const endsInside = slice.upTo === null || (upTo !== null && upTo <= slice.upTo);
  return beginsInside && endsInside;
}

/** Whether the values of any rows are compared. */
export function comparesValues({ method, slice }: Compared): boolean {
  return method === 'values' || slice !== null;
}

type Compared = Pick<VerificationProgress, 'method' | 'slice'>;
