import type { ChangeFeed } from '../../dataverse/feed/change-feed.ts';
import type { Link, Page } from '../../model/page.ts';
import type { Table } from '../../model/table.ts';

/** The page that a link led to before the table's lease was taken, or why none came. */
export interface PolledPage {
  /**
   * The feed, which gives out that page when the same link is followed the first time: it is not asked
   * for twice. Without effect where the table has been described anew, and its pages have another shape.
   */
  ahead(feed: ChangeFeed, table: Table): ChangeFeed;
  /** Gives back the page's memory, unless somebody has taken it. */
  release(): void;
}

type Outcome = { readonly page: Page } | { readonly error: unknown };

export function polledPage(polledTable: Table, link: Link, outcome: Outcome): PolledPage {
  let left: Outcome | undefined = outcome;
  const take = (): Outcome | undefined => {
    const taken = left;
    left = undefined;
    return taken;
  };
  return {
    ahead(feed, table) {
      if (table !== polledTable) return feed;
      return {
        ...feed,
        async follow(followed, priority, signal) {
          const taken = followed.url === link.url ? take() : undefined;
          if (taken === undefined) return feed.follow(followed, priority, signal);
          if ('error' in taken) throw taken.error;
          return taken.page;
        },
      };
    },
    release() {
      const taken = take();
      if (taken !== undefined && 'page' in taken) taken.page.release?.();
    },
  };
}
