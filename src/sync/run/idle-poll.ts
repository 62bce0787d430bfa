import type { ChangeFeed } from '../../dataverse/feed/change-feed.ts';
import { isLinkOf } from '../../dataverse/feed/links.ts';
import type { Mirror } from '../../mirror/mirror.ts';
import type { Checkpoint } from '../../model/checkpoint.ts';
import type { Link, Page } from '../../model/page.ts';
import type { Table } from '../../model/table.ts';
import { polledPage, type PolledPage } from './polled-page.ts';
import type { RequestMeter } from './request-meter.ts';
import { leadsBack } from './rewind.ts';

/** A table as a run left it that brought it up to date, and that nothing is known to have befallen since. */
export interface RestingTable {
  readonly table: Table;
  readonly link: Link;
  readonly selection: string;
}

export interface IdlePollParts {
  readonly feed: ChangeFeed;
  readonly mirror: Pick<Mirror, 'storeIdleRun'>;
  readonly requests: RequestMeter;
}

/** What a poll came to: the table rests on, or somebody has to look under the lease. */
export type IdlePoll = StillResting | { readonly rests: false; readonly polled: PolledPage };

interface StillResting {
  readonly rests: true;
  readonly link: Link;
  /** Requests that went on record with it. */
  readonly requests: number;
}

/**
 * A table that may be polled without its lease; undefined where its checkpoint asks for more than a delta,
 * or has a link that is none of the table's.
 */
export function restingTable(table: Table, { phase, link, selection }: Checkpoint): RestingTable | undefined {
  if (phase !== 'delta' || link?.kind !== 'delta' || selection === null) return undefined;
  return isLinkOf(table.entitySet, link) ? { table, link, selection } : undefined;
}

/** Whether a page that a delta link led to brings nothing but the link for the next poll. */
export function isIdle(entitySet: string, followed: Link, page: Page): boolean {
  if (page.rows > 0 || page.tombstones.length > 0 || page.link.kind !== 'delta') return false;
  return isLinkOf(entitySet, page.link) && !leadsBack(followed, page.link);
}

/**
 * Follows a resting table's link without its lease. The usual answer, that nothing has changed, is then
 * stored by one statement, provided that nobody has touched the table's state since; the fence tells.
 * Whatever else comes, a failure included, is for a run under the lease, which is given the page.
 *
 * @param fence as this process's last run left it.
 * @throws Failure of PostgreSQL's; nothing is known then of what was stored.
 */
export async function pollIdle(
  { feed, mirror, requests }: IdlePollParts,
  { table, link, selection }: RestingTable,
  fence: bigint,
  signal: AbortSignal,
): Promise<IdlePoll> {
  let page: Page;
  try {
    page = await feed.follow(link, 'delta', signal);
  } catch (error) {
    return { rests: false, polled: polledPage(table, link, { error }) };
  }
  const polled = polledPage(table, link, { page });
  if (!isIdle(table.entitySet, link, page)) return { rests: false, polled };
  const sent = requests.sent();
  const run = { table: table.logicalName, fence, selection, followed: link.url, link: page.link.url };
  try {
    const stored = await mirror.storeIdleRun({ ...run, requests: sent }, signal);
    if (!stored) return { rests: false, polled };
  } catch (error) {
    polled.release();
    throw error;
  }
  polled.release();
  requests.recorded(sent);
  return { rests: true, link: page.link, requests: sent };
}
