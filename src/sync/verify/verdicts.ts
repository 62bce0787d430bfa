import type { Difference } from '../../mirror/verify/verify-records.ts';
import type { Suspect, Verdict } from '../../mirror/verify/suspects.ts';

/** How the source had a suspect when it was asked for that row. */
export type Found =
  | {
      readonly is: 'there';
      readonly version: bigint | null;
      /** Mirror columns that differ although both have this version; none where the versions differ. */
      readonly columns: readonly string[];
      /** Of the values, where any differ. */
      readonly fingerprint: string | null;
    }
  | { readonly is: 'gone' }
  /** The identity may not read the row. That says nothing about the row. */
  | { readonly is: 'unreadable' };

export interface Judgement {
  readonly verdict: Verdict;
  readonly difference?: Difference;
}

/**
 * Judges a suspect by a second look at the source. Between the first look and the second, a delta was stored that began
 * after the first look, and then the mirror was looked at.
 *
 * A row that had the same version at both looks was the same all the time between, so the mirror must have had it so
 * after the delta. If the mirror did not, that is a difference, whatever changes meanwhile. A row that was gone at both
 * looks must be gone from the mirror in the same way. If the second look says anything else than the first one, the
 * second becomes the first look of another round. So no change at the source and no late delta is ever taken for a
 * difference, and links need not be understood.
 *
 * @param reached the row version up to which that delta brought the mirror; null where its link does not tell.
 */
export function judge(suspect: Suspect, found: Found, reached: bigint | null): Judgement {
  const { id, kind, isPresent, sourceVersion, mirrorVersion, wasGone } = suspect;
  const settled: Judgement = { verdict: { id, is: 'settled' } };
  const again = (change: Partial<Suspect>): Judgement => ({ verdict: { id, is: 'again', change } });
  const difference = (as: Difference['kind'], columns: readonly string[] = []): Judgement => ({
    verdict: { id, is: 'difference' },
    difference: { id, kind: as, columns },
  });
  if (found.is === 'unreadable') return settled;
  if (found.is === 'gone') {
    if (!isPresent) return settled;
    return wasGone ? difference('extra') : again({ kind: 'extra', wasGone: true });
  }
  const { version, columns, fingerprint } = found;
  if (isPresent && version === mirrorVersion) {
    if (columns.length === 0) return settled;
    // A row without a version may have changed with no sign of it but its values.
    const isSame = version === sourceVersion && (version !== null || fingerprint === suspect.fingerprint);
    if (kind === 'values' && isSame) return difference('values', columns);
    return again({ kind: 'values', sourceVersion: version, fingerprint });
  }
  // The source did not tell the version, so nothing tells which row is newer.
  if (isPresent && version === null) return settled;
  const as = isPresent ? 'stale' : 'missing';
  // A server that lags behind may have answered the delta. Its link then stands for an earlier version.
  const isDue = reached === null || version === null || version <= reached;
  if (isDue && kind !== 'extra' && version === sourceVersion) return difference(as);
  return again({ kind: as, sourceVersion: version });
}
