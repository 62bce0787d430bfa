import type { StoredRow } from './stored-row.ts';

/** A row in the making. */
export interface RowDraft {
  readonly literals: (string | null)[];
  readonly lookupTables: Map<string, string>;
}

/** A draft that begins with the values of a row. */
export function draftOf(row: StoredRow): RowDraft {
  return { literals: [...row.literals], lookupTables: new Map(row.lookupTables) };
}

/** Sets a value where the table has the property; not every table has every column the platform fills in. */
export function setIfPresent(
  positions: ReadonlyMap<string, number>,
  draft: RowDraft,
  property: string,
  literal: string | null,
): void {
  const position = positions.get(property);
  if (position !== undefined) draft.literals[position] = literal;
}
