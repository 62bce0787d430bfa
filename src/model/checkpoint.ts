import type { Link } from './page.ts';

/** What a table's feed is doing. `rebaseline` is a baseline over rows that are already there. */
export type FeedPhase = 'new' | 'baseline' | 'delta' | 'rebaseline';

/** What a person is told: the feed's phase, or that it stands still and why. */
export type Phase = FeedPhase | 'paused' | 'attention' | 'failed';

/** Where a table's feed stands; stored in the transaction that stores the rows. */
export interface Checkpoint {
  readonly phase: FeedPhase;
  /** A re-baseline has read its last page and follows its first delta; the sweep comes at its end. */
  readonly catchingUp: boolean;
  readonly link: Link | null;
  /** The selection the link was issued for; a link keeps the one it began with. */
  readonly selection: string | null;
  /**
   * The environment went back in time, and this re-baseline makes up for it: the version of a row that
   * it has not seen yet means nothing.
   */
  readonly rewound: boolean;
}

export const NEW_CHECKPOINT: Checkpoint = {
  phase: 'new',
  catchingUp: false,
  link: null,
  selection: null,
  rewound: false,
};

/** A checkpoint before the first page of a baseline, or of a re-baseline where there are rows. */
export function beginning(phase: 'baseline' | 'rebaseline', selection: string, rewound = false): Checkpoint {
  return { phase, catchingUp: false, link: null, selection, rewound: phase === 'rebaseline' && rewound };
}

/** Where the feed stands once a page is stored, and whether its sweep is due with that page. */
export interface Advance {
  readonly checkpoint: Checkpoint;
  readonly sweep: boolean;
}

/**
 * The checkpoint after a page with this link.
 *
 * ```
 * baseline ──delta link──► delta ◄──┐
 *                            └──────┘ delta link
 * rebaseline ──delta link──► rebaseline, catching up ──delta link──► sweep, delta
 * ```
 * A next link changes nothing but the position. The sweep waits for the first delta: a row that
 * changed while the re-baseline was paging may be missing from its pages.
 */
export function advance(from: Checkpoint, link: Link): Advance {
  if (link.kind === 'next') return { checkpoint: { ...from, link }, sweep: false };
  if (from.phase === 'rebaseline' && !from.catchingUp) {
    return { checkpoint: { ...from, link, catchingUp: true }, sweep: false };
  }
  const sweep = from.phase === 'rebaseline';
  return { checkpoint: { ...from, link, phase: 'delta', catchingUp: false, rewound: false }, sweep };
}

/**
 * Where the feed stands once a page is stored whose sweep must not happen: a re-baseline goes on with
 * its deltas, and its sweep stays due. A full read is followed by nothing, so it begins anew.
 */
export function withoutSweep(from: Checkpoint, { checkpoint }: Advance): Checkpoint {
  return checkpoint.link === null ? { ...from, selection: null } : { ...from, link: checkpoint.link };
}

/** Whether pages now come from a full load; the rest of the time they come from a delta. */
export function isLoading(checkpoint: Checkpoint): boolean {
  return checkpoint.phase === 'baseline' || (checkpoint.phase === 'rebaseline' && !checkpoint.catchingUp);
}
