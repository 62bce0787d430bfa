import type { ConfigProblem, TableConfig } from '../config.ts';
import { milliseconds } from '../duration.ts';
import type { Settings } from '../settings.ts';

type FeedSetting = Settings['feed'];

const USUAL_KEEP = '7d';

/** What the change log has of a table. @param feed of the table. @param general what holds for all tables. */
export function feedOf(feed: FeedSetting, general: FeedSetting): TableConfig['feed'] {
  if (feed === undefined || feed === false) return 'off';
  return membersOf(feed).baseline ?? membersOf(general).baseline ?? 'marker';
}

/** How long the change log keeps changes: it has all tables, so the longest time counts. */
export function feedFrom(settings: Settings, problems: ConfigProblem[]): { keep: number } | undefined {
  const ofTables = (settings.tables ?? []).map((item, at) => ({
    key: `tables.${at}.feed`,
    feed: typeof item === 'string' ? undefined : item.feed,
  }));
  const feeds = [{ key: 'feed', feed: settings.feed }, ...ofTables].filter(
    ({ feed }) => feed !== undefined && feed !== false,
  );
  if (feeds.length === 0) return undefined;
  const given = feeds.flatMap(({ key, feed }) => {
    const { keep } = membersOf(feed);
    return keep === undefined ? [] : [{ key: `${key}.keep`, keep: milliseconds(keep) }];
  });
  for (const { key, keep } of given) {
    if (keep === 0) problems.push({ key, message: 'must be longer than nothing' });
  }
  const times = given.map(({ keep }) => keep);
  return { keep: times.length === 0 ? milliseconds(USUAL_KEEP) : Math.max(...times) };
}

function membersOf(feed: FeedSetting): Exclude<FeedSetting, boolean | undefined> {
  return typeof feed === 'object' ? feed : {};
}
