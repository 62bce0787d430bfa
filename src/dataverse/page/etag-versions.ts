import { hasVersion, type PageRows } from '../../model/page.ts';
import type { Table } from '../../model/table.ts';

/** The member that holds a row's etag. */
export const ETAG = '@odata.etag';

/** An entity tag of digits, weak or strong, in each form that JSON allows (RFC 9110, section 8.8.3). */
const VERSION = /^("(?:W\\?\/)?(?:\\"|\\u0022))(\d{1,19})(?:\\"|\\u0022)"$/i;
const decoder = new TextDecoder('utf-8');

/** Position of the row version among the table's columns; undefined if the table has none. */
export function versionField(table: Table): number | undefined {
  const field = table.columns.findIndex(({ name }) => name === table.version);
  return table.version === undefined || field === -1 ? undefined : field;
}

/** Rows, by number, without a version that can be compared. */
export function rowsWithoutVersion(page: PageRows, field: number): number[] {
  const rows: number[] = [];
  for (let row = 0; row < page.rows; row++) if (!hasVersion(page, row, field)) rows.push(row);
  return rows;
}

/**
 * Fills missing versions of rows from their etags, which are the same number. The page's cells are changed in place.
 *
 * @param rows rows without a version, by number.
 * @param etags the same page, parsed again with the etag as its first column. Hardly any page needs that.
 */
export function fillFromEtags(page: PageRows, field: number, rows: readonly number[], etags: PageRows): void {
  const { bytes, cells, width } = page;
  for (const row of rows) {
    const of = 2 * row * etags.width;
    const start = etags.cells[of] ?? 0;
    if (start === 0) continue;
    const etag = VERSION.exec(decoder.decode(bytes.subarray(start, etags.cells[of + 1])));
    const [, before = '', digits = ''] = etag ?? [];
    if (digits === '') continue;
    const at = 2 * (row * width + field);
    cells[at] = start + before.length;
    cells[at + 1] = start + before.length + digits.length;
  }
}
