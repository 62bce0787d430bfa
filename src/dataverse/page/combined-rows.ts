import type { PageRows } from '../../model/page.ts';

/** Cells that belong to the rows of a page, and came in another response. */
export interface SideCells {
  readonly rows: PageRows;
  /** For each row of the page, the row of `rows` that belongs to it. Below 0 where none came. */
  readonly rowOf: Int32Array;
  /** For each field of `rows`, the field of the page that it fills. Below 0 where it fills none. */
  readonly fields: readonly number[];
}

/** The page with cells from other responses. The slices point into one copy of all bytes. */
export function withCells(page: PageRows, sides: readonly SideCells[]): PageRows {
  if (sides.length === 0) return page;
  const bytes = Buffer.concat([page.bytes, ...sides.map(({ rows }) => rows.bytes)]);
  const cells = page.cells.slice(0, 2 * page.rows * page.width);
  let offset = page.bytes.length;
  for (const { rows: side, rowOf, fields } of sides) {
    for (let row = 0; row < page.rows; row++) {
      const from = rowOf[row] ?? -1;
      if (from < 0) continue;
      for (const [field, to] of fields.entries()) {
        const cell = 2 * (from * side.width + field);
        if (to < 0) continue;
        const start = side.cells[cell] ?? 0;
        const end = side.cells[cell + 1] ?? 0;
        const at = 2 * (row * page.width + to);
        cells[at] = start === 0 ? 0 : start + offset;
        cells[at + 1] = end === 0 ? 0 : end + offset;
      }
    }
    offset += side.bytes.length;
  }
  return { ...page, bytes, cells };
}

/** Some rows of a page, by number. */
export function pickRows(page: PageRows, rows: readonly number[]): PageRows {
  const { bytes, width } = page;
  const cells = new Int32Array(2 * rows.length * width);
  for (const [to, from] of rows.entries()) {
    cells.set(page.cells.subarray(2 * from * width, 2 * (from + 1) * width), 2 * to * width);
  }
  return { bytes, width, rows: rows.length, cells };
}

/** The rows of several responses, in the same order. The slices point into one copy of all bytes. */
export function joinPages(parts: readonly PageRows[]): PageRows {
  const [first] = parts;
  if (first === undefined) throw new TypeError('There is nothing to join.');
  if (parts.length === 1) return first;
  const { width } = first;
  const bytes = Buffer.concat(parts.map((part) => part.bytes));
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const cells = new Int32Array(2 * rows * width);
  const incomplete = new Map<number, string>();
  let offset = 0;
  let cell = 0;
  let before = 0;
  for (const part of parts) {
    for (const [row, reason] of part.incomplete ?? []) incomplete.set(before + row, reason);
    before += part.rows;
    const length = 2 * part.rows * width;
    for (let at = 0; at < length; at++) {
      const position = part.cells[at] ?? 0;
      // An end without a start belongs to a null that the response spelled out.
      cells[cell + at] = position === 0 ? 0 : position + offset;
    }
    cell += length;
    offset += part.bytes.length;
  }
  return { bytes, width, rows, cells, ...(incomplete.size === 0 ? {} : { incomplete }) };
}
