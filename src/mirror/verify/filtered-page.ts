import type pg from 'pg';
import type { PageRows } from '../../model/page.ts';
import { tryRows } from '../filter/filter-stage.ts';
import { rowKeys, supersededRows } from '../page/row-key.ts';
import type { RowPolicy } from '../quarantine/row-policy.ts';
import type { MirrorTable } from '../table/mirror-table.ts';

/** What the filter of a table says about the rows of a page, by their numbers. */
export interface Verdicts {
  /** The filter keeps them out of the mirror. */
  readonly outside: ReadonlySet<number>;
  /** PostgreSQL cannot try them: quarantine has them, or the mirror has another version of them. */
  readonly untried: ReadonlySet<number>;
}

export const ALL_INSIDE: Verdicts = { outside: new Set(), untried: new Set() };

/**
 * Tries the rows of a page against the filter of their table, as a page that is stored is tried. A row without a key,
 * and a row that another row of the page replaces, are not tried.
 *
 * @param readAs the mirror table with the columns that the page has.
 */
export async function filterVerdicts(
  client: pg.PoolClient,
  readAs: MirrorTable,
  page: PageRows,
  policy: RowPolicy,
): Promise<Verdicts> {
  const { filter } = readAs;
  if (filter === undefined || page.rows === 0) return ALL_INSIDE;
  const keys = rowKeys(readAs, page);
  const skip = new Set(supersededRows(readAs, page, keys));
  for (const [row, key] of keys.entries()) if (key === null) skip.add(row);
  const { outside, untried } = await tryRows(client, readAs, filter, {
    page,
    keys,
    skip,
    policy,
    onCommit: 'DROP',
  });
  return { outside, untried: new Set([...skip, ...untried.map(({ row }) => row)]) };
}

/** The rows of a page that are in the filter of their table: the same page where there is no filter. */
export async function insideFilter(
  client: pg.PoolClient,
  readAs: MirrorTable,
  page: PageRows,
  policy: RowPolicy,
): Promise<PageRows> {
  const { outside, untried } = await filterVerdicts(client, readAs, page, policy);
  if (outside.size + untried.size === 0) return page;
  const rows = Array.from({ length: page.rows }, (_, row) => row).filter(
    (row) => !outside.has(row) && !untried.has(row),
  );
  return withRows(page, rows);
}

/** The page with these rows alone. */
function withRows(page: PageRows, rows: readonly number[]): PageRows {
  const { bytes, width, incomplete } = page;
  const size = 2 * width;
  const cells = new Int32Array(size * rows.length);
  for (const [at, row] of rows.entries()) {
    cells.set(page.cells.subarray(row * size, (row + 1) * size), at * size);
  }
  const picked = { bytes, width, rows: rows.length, cells };
  if (incomplete === undefined) return picked;
  const reasons = rows.flatMap((row, at): [number, string][] => {
    const reason = incomplete.get(row);
    return reason === undefined ? [] : [[at, reason]];
  });
  return { ...picked, incomplete: new Map(reasons) };
}
