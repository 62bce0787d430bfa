/** Which columns to write, and in what form. Rows remember their bytes for the last selection they were asked for. */
export interface RowSelection {
  /** Identifies the selection, and with it the cached bytes. Null forbids caching. */
  readonly cacheKey: string | null;
  readonly write: (row: StoredRow) => string;
}

/** One version of a row. Never changed: a write makes a new one, so that snapshots can share them. */
export class StoredRow {
  readonly id: string;
  readonly version: bigint;
  /** The JSON literal of each row column, in the order of the table's row columns. */
  readonly literals: readonly (string | null)[];
  /** The target table of lookups that may point at several tables, by property name. */
  readonly lookupTables: ReadonlyMap<string, string>;
  /** What the table keeps it under: the id, together with the partition on elastic tables. */
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
