import { standsForLastPage } from '../../dataverse/feed/links.ts';
import { advance, beginning, type Checkpoint } from '../../model/checkpoint.ts';
import type { Link } from '../../model/page.ts';
import type { GuardedAdvance } from './load-guard.ts';

/**
 * Makes a delta of several pages right under both readings of the protocol, as `LoadGuard` does a load.
 *
 * If its delta link stands for the last page while its pages were fixed with the first, what changed
 * between the two is in neither this delta nor the next. Then the same link is followed once more, which
 * may be done as often as one likes, and the feed goes on from the first reading's delta link: it was
 * issued before the second reading began, so that has everything up to it. One repetition, never more,
 * however much changes meanwhile.
 *
 * A delta that an earlier process began has no link to be followed from its start: the table is
 * re-baselined instead. It lives as long as the feed is followed; in the stored checkpoint a delta that
 * is repeated is one that has not begun.
 */
export class DeltaGuard {
  private start: Link | undefined;
  /** The delta link of the first reading, while the second is under way. */
  private end: Link | undefined;

  /** Where the feed stands after a page of a delta with this link; `repeats` when it is read once more. */
  after(from: Checkpoint, link: Link): GuardedAdvance {
    const followed = from.link;
    if (followed?.kind === 'delta') this.start = followed;
    if (link.kind === 'next') return { ...advance(from, link), repeats: false };
    const { start, end } = this;
    this.forget();
    if (end !== undefined) return { ...advance(from, end), repeats: false };
    if (followed?.kind !== 'next' || !standsForLastPage(followed.url, link.url)) {
      return { ...advance(from, link), repeats: false };
    }
    if (start === undefined) {
      const checkpoint = beginning('rebaseline', from.selection ?? '', from.rewound);
      return { checkpoint, sweep: false, repeats: true };
    }
    this.end = link;
    return { checkpoint: { ...from, link: start }, sweep: false, repeats: true };
  }

  private forget(): void {
    this.start = undefined;
    this.end = undefined;
  }
}
