import { batches } from '../../dataverse/feed/keyed-pages.ts';
import { markIncomplete } from '../../dataverse/feed/incomplete-rows.ts';
import { keyText, rowVersion } from '../../mirror/page/row-key.ts';
import type { ValueDifference } from '../../mirror/verify/compare-rows.ts';
import type { Verdicts } from '../../mirror/verify/filtered-page.ts';
import type { Comparison } from '../../mirror/verify/comparison.ts';
import type { Suspect } from '../../mirror/verify/suspects.ts';
import type { PageRows } from '../../model/page.ts';
import type { Counted, CountedWork } from './counted-work.ts';
import type { Reading } from './source-walk.ts';
import type { Found } from './verdicts.ts';

export interface LookParts extends Reading {
  readonly comparison: Comparison;
  readonly counted: CountedWork;
  /** Whether the values are compared too. */
  readonly byValue: boolean;
}

/**
 * How the source has each suspect now. A list lacks rows that are gone, and rows that the identity may not read. Only
 * a request for the row itself tells which it is, and one such answer for each row is enough: a row that was gone
 * then, that the list still lacks and that a delta meanwhile did not bring is gone.
 */
export async function lookAgain(
  { comparison, counted, byValue, source, readAs }: LookParts,
  suspects: readonly Suspect[],
  signal: AbortSignal,
): Promise<Counted<Found[]>> {
  const noValues: Differing = new Map();
  const compare = async (page: PageRows): Promise<Looked> => ({
    differing: byValue ? await differingRows(comparison, readAs, page) : noValues,
    tried: await comparison.tryFilter(readAs, page),
  });
  const there = (page: PageRows, row: number, { id }: Suspect, { differing, tried }: Looked): Found => {
    // For the mirror, a row outside of the filter is as gone as a deleted one.
    if (tried.outside.has(row)) return { is: 'gone' };
    if (tried.untried.has(row)) return { is: 'unreadable' };
    const { columns = [], fingerprint = null } = differing.get(keyText(id)) ?? {};
    return { is: 'there', version: rowVersion(readAs, page, row), columns, fingerprint };
  };
  const look = async (suspect: Suspect): Promise<Found> => {
    const alone = await source.readRow(suspect.id, signal);
    if (alone === null) return { is: 'gone' };
    return alone === 'unreadable' ? { is: 'unreadable' } : there(alone, 0, suspect, await compare(alone));
  };
  // A list of one row is that row's own request, which a missing privilege would make fail.
  const listed = suspects.length > 1 ? suspects.map(({ id }) => id) : [];
  const list = await counted.run(signal, async () => source.readRows(listed, signal));
  const { rows, rowOf } = list.value;
  const inList = await compare(rows);
  const found = suspects.map((suspect, at): Found | undefined => {
    const row = rowOf[at] ?? -1;
    if (row >= 0) return there(rows, row, suspect, inList);
    return suspect.wasGone && listed.length > 0 ? { is: 'gone' } : undefined;
  });
  let { requests } = list;
  const unclear = suspects.flatMap((suspect, at) => (found[at] === undefined ? [{ suspect, at }] : []));
  // As many at once as may be in flight: then the share is kept, and a failure costs no request for the rows after it.
  for (const batch of batches(unclear, counted.atOnce)) {
    const looked = await counted.run(signal, async () =>
      Promise.all(batch.map(async ({ suspect }) => look(suspect))),
    );
    for (const [nth, { at }] of batch.entries()) found[at] = looked.value[nth];
    requests += looked.requests;
    // Within a small share this takes long, and other processes must not take the verification over meanwhile.
    await comparison.keepClaim();
  }
  return { value: found.map((each) => each ?? { is: 'unreadable' }), requests };
}

/** What the rows of an answer are to the mirror. */
interface Looked {
  readonly differing: Differing;
  readonly tried: Verdicts;
}

type Differing = ReadonlyMap<string, ValueDifference>;

/** The rows with other values than the mirror's in the same version, by their keys. */
async function differingRows(
  comparison: Comparison,
  readAs: Reading['readAs'],
  rows: PageRows,
): Promise<Differing> {
  // Rows that lack a value are not compared: it may have got lost on the way.
  const found = await comparison.compare(markIncomplete(rows, readAs.table));
  return new Map(found.map((row) => [keyText(row.id), row]));
}
