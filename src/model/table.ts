/** The types a mirror column can have; `integers` is a set of option values. */
export type ColumnType =
  | 'uuid'
  | 'text'
  | 'integer'
  | 'bigint'
  | 'numeric'
  | 'double'
  | 'boolean'
  | 'integers'
  | 'timestamptz'
  | 'timestamp'
  | 'date';

/** One column of a mirror table and the member of a row that fills it. */
export interface Column {
  /** The column's name before any shortening: the attribute's logical name, or that and a suffix. */
  readonly name: string;
  readonly type: ColumnType;
  /** Logical name of the attribute it comes from. */
  readonly attribute: string;
  /** The member of the source's row that holds the value, for example `_ownerid_value`. */
  readonly property: string;
  /** Whether `property` is asked for by name; annotations are not. */
  readonly selectable: boolean;
  readonly displayName?: string;
  readonly description?: string;
}

/** A Dataverse table as far as a mirror of it needs to know. */
export interface Table {
  readonly logicalName: string;
  readonly entitySet: string;
  /** Name of the primary key's column. */
  readonly key: string;
  /** Name of the column with the row version, absent where the table has none. */
  readonly version?: string;
  readonly columns: readonly Column[];
  readonly displayName?: string;
  readonly description?: string;
}

/**
 * The set of properties a checkpoint's link was issued for. A link keeps the selection it began with,
 * so a different selection needs a new baseline.
 */
export function selectionOf(table: Table): string {
  return table.columns
    .filter((column) => column.selectable)
    .map((column) => column.property)
    .toSorted()
    .join(',');
}
