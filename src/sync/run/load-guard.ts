import { standsForLastPage } from '../../dataverse/feed/links.ts';
import { advance, beginning, type Advance, type Checkpoint } from '../../model/checkpoint.ts';
import type { Link } from '../../model/page.ts';

/** Where the feed stands after a page; `repeats` when what ended with it is read once more. */
export interface GuardedAdvance extends Advance {
  readonly repeats: boolean;
}

/**
 * Makes a load right under both readings of the protocol.
 *
 * A load's delta link is taken to stand for its first page: what changes while it pages comes with the
 * first delta. If the links say that it stands for the last page instead, a row that was deleted or
 * changed on a page already read would be lost. Then the load is repeated, and the delta link of the
 * first one, issued before the second began, is what its first delta follows: that delta has everything
 * that happened since, whatever the second load's own link stands for.
 *
 * It lives as long as the feed is followed. A pass that ends early leaves a re-baseline, which is
 * guarded anew.
 */
export class LoadGuard {
  private link: Link | undefined;

  /** Where the feed stands after a page of a load with this link; `repeats` when it begins once more. */
  after(from: Checkpoint, link: Link): GuardedAdvance {
    if (link.kind === 'next') return { ...advance(from, link), repeats: false };
    const guard = this.link;
    this.link = undefined;
    if (guard !== undefined) return { ...advance(from, guard), repeats: false };
    if (from.link === null || !standsForLastPage(from.link.url, link.url)) {
      return { ...advance(from, link), repeats: false };
    }
    this.link = link;
    return {
      checkpoint: beginning('rebaseline', from.selection ?? '', from.rewound),
      sweep: false,
      repeats: true,
    };
  }
}
