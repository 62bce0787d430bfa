import { FollowedLinks } from '../../dataverse/feed/endless-paging.ts';
import { isLoading, type Checkpoint } from '../../model/checkpoint.ts';
import type { Link } from '../../model/page.ts';
import { DeltaGuard } from './delta-guard.ts';
import { LoadGuard, type GuardedAdvance } from './load-guard.ts';

/**
 * Where a feed goes on after each of its pages: loads and deltas are made right under both readings of
 * the protocol, and paging that comes back to where it was is refused. It lives as long as the feed is
 * followed without a break.
 */
export class FeedGuard {
  private readonly followed = new FollowedLinks();
  private readonly loads = new LoadGuard();
  private readonly deltas = new DeltaGuard();

  /**
   * Where the feed stands after a page with this link; `repeats` when what ended with it is read once more.
   *
   * @throws Failure `link-loop`
   */
  after(from: Checkpoint, link: Link): GuardedAdvance {
    if (link.kind === 'next') this.followed.add(link.url);
    const guard = isLoading(from) ? this.loads : this.deltas;
    const step = guard.after(from, link);
    if (step.repeats) this.followed.forget();
    return step;
  }
}
