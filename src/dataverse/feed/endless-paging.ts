import { createHash } from 'node:crypto';
import { Failure } from '../../model/failure.ts';
import type { ParsedPage } from '../page/page-parser.ts';

/** Bytes of a digest, enough that two of a million links do not share one by chance. */
const DIGEST = 16;

/**
 * The next links that one read has followed, so that a link which comes back does not make the read endless.
 * A load may have a million pages with links of a kilobyte each, so only digests are kept.
 */
export class FollowedLinks {
  private readonly digests = new Set<string>();

  /** @throws Failure `link-loop` for a link that was added before. */
  add(url: string): void {
    const digest = createHash('sha256').update(url).digest().toString('latin1', 0, DIGEST);
    if (this.digests.has(digest)) {
      throw new Failure({
        code: 'link-loop',
        message: 'The environment named a next page that was read already.',
      });
    }
    this.digests.add(digest);
  }
}

/** Empty pages in a row. Rows that the identity may not see can leave empty pages, but never this many. */
const MOST_EMPTY = 100;

/** Counts the empty pages in a row that lead to another page. */
export class EmptyPages {
  private readonly table: string;
  private inARow = 0;

  constructor(table: string) {
    this.table = table;
  }

  /** @throws Failure `endless-paging` */
  refuseMore(page: ParsedPage): void {
    const leadsOn = page.link?.kind === 'next' && page.rows === 0 && page.tombstones.length === 0;
    this.inARow = leadsOn ? this.inARow + 1 : 0;
    if (this.inARow <= MOST_EMPTY) return;
    throw new Failure({
      code: 'endless-paging',
      message: `The environment named ${MOST_EMPTY} pages of table ${this.table} in a row that bring nothing.`,
      remedy: `Nothing to do if it ends by itself: the next run tries again. Otherwise re-baseline the table: \`mirrorverse backfill ${this.table} --restart\`.`,
      details: { table: this.table },
    });
  }
}
