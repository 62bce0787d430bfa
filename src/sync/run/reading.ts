import { standsForLastPage } from '../../dataverse/feed/links.ts';
import { advance, beginning, isLoading, type Advance, type Checkpoint } from '../../model/checkpoint.ts';
import type { Link } from '../../model/page.ts';

/**
 * One reading of the feed: a load from its first page, or a delta from the delta link that it follows.
 *
 * A reading ends with a delta link. The protocol's documents do not say which moment this link stands for:
 * that of the first page or that of the last page. If it stands for the last page, a row that changed between
 * the two is in neither this reading nor the next one. The links can show that. Then the run reads everything
 * once more, and afterwards follows the delta link of the first reading:
 *
 * ```
 * first reading ──► link A     second reading ──► link B (not used)     next delta: from link A
 * ```
 * The environment issued link A before the second reading began, so link A leads to every change since. One
 * repetition is enough, however much changes meanwhile.
 */
export interface Reading {
  /** The delta link that the delta under way began with; undefined for a load, or where another run began it. */
  readonly start?: Link;
  /** The delta link of the first reading, while the second one is under way. */
  readonly end?: Link;
}

export const NEW_READING: Reading = {};

/** Where the feed stands after a page. */
export interface ReadingStep extends Advance {
  readonly reading: Reading;
  /** The run reads once more what ended with this page. */
  readonly repeats: boolean;
}

/**
 * Where the feed stands after a page with this link, and what is known of the reading from then on.
 *
 * A delta that an earlier run began has no link to be read again from: the table is loaded anew instead.
 */
export function afterPage(reading: Reading, from: Checkpoint, link: Link): ReadingStep {
  const followed = from.link;
  const start = followed?.kind === 'delta' && !isLoading(from) ? followed : reading.start;
  if (link.kind === 'next') {
    const known = start === undefined ? reading : { ...reading, start };
    return { ...advance(from, link), reading: known, repeats: false };
  }
  if (reading.end !== undefined) {
    return { ...advance(from, reading.end), reading: NEW_READING, repeats: false };
  }
  if (followed?.kind !== 'next' || !standsForLastPage(followed.url, link.url)) {
    return { ...advance(from, link), reading: NEW_READING, repeats: false };
  }
  if (isLoading(from)) return { ...repeatLoad(from), reading: { end: link } };
  if (start === undefined) return { ...repeatLoad(from), reading: NEW_READING };
  const checkpoint = { ...from, link: start };
  return { checkpoint, sweep: false, reading: { end: link }, repeats: true };
}

function repeatLoad(from: Checkpoint): Omit<ReadingStep, 'reading'> {
  const checkpoint = beginning('rebaseline', from.selection ?? '', from.rewound);
  return { checkpoint, sweep: false, repeats: true };
}
