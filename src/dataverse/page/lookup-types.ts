import type { PageRows } from '../../model/page.ts';
import type { Table } from '../../model/table.ts';

/** A lookup that may point to several tables: the positions of its id and its table name among the columns. */
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
 * Clears cells that name no table: an empty text, a value that is not a text, and a name beside a null id.
 * The page's cells are changed in place.
 *
 * @returns rows that have an id without a table, by number, ascending.
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
