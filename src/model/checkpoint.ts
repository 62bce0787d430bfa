import type { Link } from './page.ts';

/** What a table's feed is doing. `rebaseline` is a baseline over rows that are already there. */
export type FeedPhase = 'new' | 'baseline' | 'delta' | 'rebaseline';

/** What `status` shows: the phase of the feed, or the reason why the table stands still. */
export type Phase = FeedPhase | 'paused' | 'attention' | 'failed';

/** Where the feed of a table stands. It is stored in the same transaction as the rows. */
export interface Checkpoint {
  readonly phase: FeedPhase;
  /** The re-baseline has read its last page, and follows its first delta. The sweep comes at the end of that delta. */
  readonly catchingUp: boolean;
  readonly link: Link | null;
  /** The selection that the link was issued for. A link keeps its first selection. */
  readonly selection: string | null;
  /**
   * The environment went back in time, and this re-baseline is the answer to that. The version of a row
   * means nothing until the re-baseline has seen the row.
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

/** The checkpoint before the first page of a baseline, or of a re-baseline over rows that are there. */
export function beginning(phase: 'baseline' | 'rebaseline', selection: string, rewound = false): Checkpoint {
  return { phase, catchingUp: false, link: null, selection, rewound: phase === 'rebaseline' && rewound };
}

/** Where the feed stands after a page is stored, and whether the sweep is due with that page. */
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
 * A next link changes only the position. The sweep waits for the first delta, because a row that changed
 * while the re-baseline was paging may be missing from its pages.
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
 * Where the feed stands after a page is stored without its sweep. A re-baseline goes on with its deltas,
 * and its sweep stays due. A full read has no deltas, so the next run begins a new one.
 */
export function withoutSweep(from: Checkpoint, { checkpoint }: Advance): Checkpoint {
  return checkpoint.link === null ? { ...from, selection: null } : { ...from, link: checkpoint.link };
}

/** Whether the next pages come from a full load. Otherwise they come from a delta. */
export function isLoading(checkpoint: Checkpoint): boolean {
  return checkpoint.phase === 'baseline' || (checkpoint.phase === 'rebaseline' && !checkpoint.catchingUp);
}
