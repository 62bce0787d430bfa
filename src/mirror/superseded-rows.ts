import { cellText, type PageRows } from '../model/page.ts';
import type { MirrorTable } from './mirror-table.ts';

/**
 * Rows of a page that another row of the same page replaces: one statement cannot write a row twice.
 * Of the same key the highest version stays, of the same version the last.
 */
export function supersededRows(mirror: MirrorTable, page: PageRows): ReadonlySet<number> {
  const superseded = new Set<number>();
  const latest = new Map<string, number>();
  for (let row = 0; row < page.rows; row++) {
    const key = cellText(page, row, mirror.keyField)?.toLowerCase();
    if (key === undefined) continue;
    const before = latest.get(key);
    if (before === undefined) latest.set(key, row);
    else if (versionOf(mirror, page, before) > versionOf(mirror, page, row)) superseded.add(row);
    else {
      superseded.add(before);
      latest.set(key, row);
    }
  }
  return superseded;
}

function versionOf(mirror: MirrorTable, page: PageRows, row: number): bigint {
  const text = mirror.versionField === undefined ? null : cellText(page, row, mirror.versionField);
  return text !== null && /^\d+$/.test(text) ? BigInt(text) : -1n;
}
