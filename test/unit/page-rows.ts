import type { PageRows } from '../../src/model/page.ts';

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A cell exactly as it stands in the source, or null. */
export function cellLiteral(page: PageRows, row: number, field: number): string | null {
  const at = 2 * (row * page.width + field);
  const start = page.cells[at] ?? 0;
  return start === 0 ? null : new TextDecoder().decode(page.bytes.subarray(start, page.cells[at + 1]));
}

/** Every row's literals. */
export function literals(page: PageRows): (string | null)[][] {
  return Array.from({ length: page.rows }, (_, row) =>
    Array.from({ length: page.width }, (__, field) => cellLiteral(page, row, field)),
  );
}

/** Rows out of literals, as the parser would lay them out; null stands for null. */
export function pageRows(rows: readonly (readonly (string | null)[])[], width: number): PageRows {
  let text = ' ';
  const cells = new Int32Array(2 * rows.length * width);
  for (const [row, values] of rows.entries()) {
    for (const [field, value] of values.entries()) {
      if (value === null) continue;
      const at = 2 * (row * width + field);
      cells[at] = Buffer.byteLength(text);
      text += value;
      cells[at + 1] = Buffer.byteLength(text);
      text += ',';
    }
  }
  return { bytes: bytesOf(text), width, rows: rows.length, cells };
}
