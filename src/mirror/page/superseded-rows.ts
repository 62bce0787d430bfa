import type { PageRows } from '../../model/page.ts';
import type { MirrorTable } from '../table/mirror-table.ts';
import { rowVersion } from './row-key.ts';

/**
 * Rows of a page that another row of the same page replaces: one statement cannot write a row twice.
 * Of the same key the highest version stays, of the same version the last.
 *
 * @param keys of the page's rows, in their order; rows without one replace nothing.
 */
export function supersededRows(
  mirror: MirrorTable,
  page: PageRows,
  keys: readonly (string | null)[],
): ReadonlySet<number> {
  const superseded = new Set<number>();
  const latest = new Map<string, number>();
  const version = (row: number): bigint => rowVersion(mirror, page, row) ?? -1n;
  for (const [row, key] of keys.entries()) {
    if (key === null) continue;
    const before = latest.get(key);
    if (before === undefined) latest.set(key, row);
    else if (version(before) > version(row)) superseded.add(row);
    else {
      superseded.add(before);
      latest.set(key, row);
    }
  }
  return superseded;
}
