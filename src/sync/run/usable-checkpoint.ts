import type { Logger } from 'pino';
import { isLinkOf } from '../../dataverse/feed/links.ts';
import type { Taken } from '../../mirror/lease/leases.ts';
import { NEW_CHECKPOINT, type Checkpoint } from '../../model/checkpoint.ts';
import { isOutdatedWalk } from './interrupted-walk.ts';
import type { Ready } from '../tables/table-preparation.ts';

export interface CheckpointSurroundings {
  /** Days that the environment keeps deletions; null where it does not tell. */
  readonly linkLifeDays: number | null;
  /** Whether what a re-baseline under way has seen so far is still there. */
  readonly hasSeenKeys: () => Promise<boolean>;
  readonly logger: Logger;
}

/**
 * The stored checkpoint as far as it is of use: without its selection, which makes a run re-baseline the
 * table, where it stands for rows that are gone or its link cannot be followed.
 */
export async function usableCheckpoint(
  { checkpoint: stored, linkAge }: Pick<Taken, 'checkpoint' | 'linkAge'>,
  ready: Ready,
  { linkLifeDays, hasSeenKeys, logger }: CheckpointSurroundings,
): Promise<Checkpoint> {
  if (ready.created) return NEW_CHECKPOINT;
  const ofNoUse = { ...stored, selection: null };
  if (ready.refills) return ofNoUse;
  if (stored.phase === 'rebaseline' && !(await hasSeenKeys())) return ofNoUse;
  const { link } = stored;
  if (isOutdatedWalk(link, linkAge, linkLifeDays)) {
    logger.warn('The pages that were under way are older than deletions are kept; it is re-baselined.');
    return ofNoUse;
  }
  if (link !== null && !isLinkOf(ready.mirror.table.entitySet, link)) {
    logger.warn("The stored link is none of this table's; it is re-baselined.");
    return ofNoUse;
  }
  return stored;
}
