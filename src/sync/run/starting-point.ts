import { isLinkOf } from '../../dataverse/feed/links.ts';
import { beginning, NEW_CHECKPOINT, type Checkpoint } from '../../model/checkpoint.ts';
import type { Link } from '../../model/page.ts';

const DAY = 86_400_000;
/** Days that an environment keeps deletions where it does not tell ("Change tracking", default). */
const USUAL_LIFE = 7;

/** What a run knows of table and mirror when it decides where to begin. */
export interface Surroundings {
  readonly mode: 'changes' | 'snapshot';
  /** The selection that the mirror table now fits. */
  readonly selection: string;
  readonly entitySet: string;
  /** The mirror table is new. */
  readonly created: boolean;
  /** Columns of the mirror table have to be filled for the rows that are there. */
  readonly refills: boolean;
  readonly hasRows: boolean;
  /** The table is virtual. */
  readonly isVirtual: boolean;
  /** The keys that a re-baseline under way has seen are still there. */
  readonly hasSeenKeys: boolean;
  /** Milliseconds since the stored link was issued; null where that is not known. */
  readonly linkAge: number | null;
  /** Days that the environment keeps deletions; null where it does not tell. */
  readonly linkLifeDays: number | null;
  /** Somebody asked for a load. */
  readonly restart: boolean;
}

/** Where a run begins, and a line for the log if the stored checkpoint cannot be used. */
export interface StartingPoint {
  readonly checkpoint: Checkpoint;
  readonly warning?: string;
}

/**
 * Where a run goes on from: the stored checkpoint, unless it is of no use.
 *
 * A snapshot always begins from scratch. The rows that an interrupted one has read may have changed, and
 * nothing would tell. What a snapshot reads replaces what is there, even an older version: nothing in a
 * full read tells that the environment went back in time.
 */
export function startingPoint(stored: Checkpoint, surroundings: Surroundings): StartingPoint {
  const { mode, selection, hasRows } = surroundings;
  if (mode === 'snapshot') {
    return { checkpoint: beginning(hasRows ? 'rebaseline' : 'baseline', selection, true) };
  }
  if (surroundings.created) return { checkpoint: resumed(NEW_CHECKPOINT, selection, surroundings) };
  const warning = linkTrouble(stored.link, surroundings);
  const isUseless =
    surroundings.refills ||
    (stored.phase === 'rebaseline' && !surroundings.hasSeenKeys) ||
    warning !== undefined;
  const usable = isUseless ? { ...stored, selection: null } : stored;
  return {
    checkpoint: resumed(usable, selection, surroundings),
    ...(warning === undefined ? {} : { warning }),
  };
}

/**
 * Where a change feed goes on from a checkpoint whose link can be followed.
 *
 * A table without a checkpoint begins a baseline. Where its mirror table has rows all the same, because the state was
 * lost, it begins a re-baseline, which ends in the sweep that those rows need. A link keeps the selection that it was
 * issued for. Another selection (a column added at the source, or excluded in the configuration) therefore means a
 * re-baseline, which fills the new columns of the rows that are there.
 */
export function resumed(
  stored: Checkpoint,
  selection: string,
  { restart, hasRows }: Pick<Surroundings, 'restart' | 'hasRows'>,
): Checkpoint {
  const { rewound } = stored;
  if (stored.phase === 'new') return beginning(hasRows ? 'rebaseline' : 'baseline', selection, rewound);
  if (restart || stored.selection !== selection) return beginning('rebaseline', selection, rewound);
  if (stored.link !== null) return stored;
  // A load that stored no page yet has no link to go on from.
  return beginning(stored.phase === 'baseline' ? 'baseline' : 'rebaseline', selection, rewound);
}

/** Why a stored link cannot be followed. */
function linkTrouble(
  link: Link | null,
  { entitySet, linkAge, linkLifeDays }: Surroundings,
): string | undefined {
  if (link === null) return undefined;
  if (isOutdatedWalk(link, linkAge, linkLifeDays)) {
    return 'The pages that were under way are older than deletions are kept; the table is re-baselined.';
  }
  return isLinkOf(entitySet, link)
    ? undefined
    : 'The stored link does not belong to this table; the table is re-baselined.';
}

/**
 * Whether another run began to follow these pages too long ago. The next links still work, because the
 * environment looks at the age of delta links only. But it forgets deletions after some days. The delta link
 * after the last page continues from the moment of the first page, so the deletions that the environment has
 * forgotten since would never come.
 */
function isOutdatedWalk(link: Link, age: number | null, lifeDays: number | null): boolean {
  return link.kind === 'next' && age !== null && age > (lifeDays ?? USUAL_LIFE) * DAY;
}
