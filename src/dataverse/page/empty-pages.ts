import { Failure } from '../../model/failure.ts';
import type { ParsedPage } from './page-parser.ts';

/** Empty pages in a row. Rows that the identity may not see can leave empty pages, but never this many. */
const MOST = 100;

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
    if (this.inARow <= MOST) return;
    throw new Failure({
      code: 'endless-paging',
      message: `The environment named ${MOST} pages of table ${this.table} in a row that bring nothing.`,
      remedy: `Nothing to do if it ends by itself: the next run tries again. Otherwise re-baseline the table: \`mirrorverse backfill ${this.table} --restart\`.`,
      details: { table: this.table },
    });
  }
}
