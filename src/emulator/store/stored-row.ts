/** The columns to write, and how to write them. Each row caches its bytes for the last selection. */
export interface RowSelection {
  /** Identifies the selection, and with it the cached bytes. Null forbids caching. */
  readonly cacheKey: string | null;
  readonly write: (row: StoredRow) => string;
}

/** One version of a row. It never changes: a write makes a new version, so snapshots can share versions. */
export class StoredRow {
  readonly id: string;
  readonly version: bigint;
  /** The JSON literal of each row column, in the order of the table's row columns. */
  readonly literals: readonly (string | null)[];
  /** The target table of lookups that may point at several tables, by property name. */
  readonly lookupTables: ReadonlyMap<string, string>;
  /** The key of the row in its table: see {@link rowKey}. */
  readonly key: string;
  #cacheKey: string | null = null;
  #cacheBytes: Uint8Array = new Uint8Array();

  constructor(
    id: string,
    version: bigint,
    literals: readonly (string | null)[],
    lookupTables: ReadonlyMap<string, string>,
    key: string = id,
  ) {
    this.id = id;
    this.version = version;
    this.literals = literals;
    this.lookupTables = lookupTables;
    this.key = key;
  }

  /** The row as a JSON object for a selection, in UTF-8. */
  bytes(selection: RowSelection): Uint8Array {
    if (selection.cacheKey === null) return Buffer.from(selection.write(this), 'utf8');
    if (this.#cacheKey !== selection.cacheKey) {
      this.#cacheBytes = Buffer.from(selection.write(this), 'utf8');
      this.#cacheKey = selection.cacheKey;
    }
    return this.#cacheBytes;
  }
}

/**
 * The key of a row in its table: the id, and on elastic tables the id with the partition.
 *
 * A row without a partition lies in the partition that its own id names, so both name the same row.
 * Source: Microsoft, "Elastic tables for developers", partitioning and horizontal scaling.
 */
export function rowKey(id: string, partition: string | null): string {
  const own = id.toLowerCase();
  return partition === null || partition === own ? own : `${own}/${partition}`;
}

/** A row that is not finished. */
export interface RowDraft {
  readonly literals: (string | null)[];
  readonly lookupTables: Map<string, string>;
}

/** A draft with the values of a row. */
export function draftOf(row: StoredRow): RowDraft {
  return { literals: [...row.literals], lookupTables: new Map(row.lookupTables) };
}

/** Sets a value if the table has the property. Not every table has all the columns that the platform fills in. */
export function setIfPresent(
  positions: ReadonlyMap<string, number>,
  draft: RowDraft,
  property: string,
  literal: string | null,
): void {
  const position = positions.get(property);
  if (position !== undefined) draft.literals[position] = literal;
}
