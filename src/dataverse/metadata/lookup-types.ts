import type { PageRows } from '../../model/page.ts';
import type { Table } from '../../model/table.ts';

/** A lookup that may point at several tables: where its id is among the columns, and where its table. */
export interface LookupFields {
  readonly id: number;
  readonly type: number;
}

const QUOTE = 0x22;
const SPACE = 0x20;

export function lookupFields(table: Table): LookupFields[] {
  return table.columns.flatMap((column, type) => {
    if (column.selectable || !column.property.includes('@')) return [];
    const id = table.columns.findIndex(({ property }) => column.property.startsWith(`${property}@`));
    return id === -1 ? [] : [{ id, type }];
  });
}

/**
 * Takes away what names no table: an empty text, anything but text, and any name beside a null. Which
 * rows are left without a table for an id, by number, ascending. The page's cells are changed in place.
 */
export function untypedRows(page: PageRows, lookups: readonly LookupFields[]): number[] {
  const { bytes, cells, width, rows } = page;
  const untyped: number[] = [];
  for (let row = 0; row < rows; row++) {
    let lacksType = false;
    for (const { id, type } of lookups) {
      const at = 2 * (row * width + type);
      const start = cells[at] ?? 0;
      const hasId = (cells[2 * (row * width + id)] ?? 0) !== 0;
      if (start !== 0) {
        const first = bytes[start + 1] as number;
        if (hasId && bytes[start] === QUOTE && first !== QUOTE && first > SPACE) continue;
        cells[at] = 0;
      }
      if (hasId) lacksType = true;
    }
    if (lacksType) untyped.push(row);
  }
  return untyped;
}
