import { beginning, type Checkpoint } from '../../model/checkpoint.ts';

/**
 * Where a run goes on from: the stored checkpoint, unless it is of no use.
 *
 * A table without one begins a baseline; or, where its mirror table has rows all the same (the state
 * was lost), a re-baseline, which ends in the sweep that those rows need. A link keeps the selection it was issued for, so another
 * selection (a column added at the source, or excluded in the configuration) means a re-baseline,
 * which fills the new columns of the rows that are there.
 */
export function startingPoint(
  stored: Checkpoint,
  selection: string,
  { restart, hasRows }: { readonly restart: boolean; readonly hasRows: boolean },
): Checkpoint {
  if (stored.phase === 'new')
    return beginning(hasRows ? 'rebaseline' : 'baseline', selection, stored.rewound);
  if (restart || stored.selection !== selection) return beginning('rebaseline', selection, stored.rewound);
  // A baseline that stored no page yet has no link to go on from.
  if (stored.link === null)
    return beginning(stored.phase === 'baseline' ? 'baseline' : 'rebaseline', selection, stored.rewound);
  return stored;
}
