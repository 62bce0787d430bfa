/** The types of a mirror column. `integers` is a set of option values. */
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
  | 'date'
  /** The keyed hash of a value, as text, instead of the value. */
  | 'hash';

/** How the source makes a value that it does not simply store. Such a value may change without a new row version. */
export type Derivation = 'calculated' | 'rollup' | 'formula';

/** One column of a mirror table and the member of a row that fills it. */
export interface Column {
  /** The name of the column before any shortening: the logical name of the attribute, with or without a suffix. */
  readonly name: string;
  readonly type: ColumnType;
  /** Logical name of the attribute that the column comes from. */
  readonly attribute: string;
  /** The member of a row of the source that has the value, for example `_ownerid_value`. */
  readonly property: string;
  /** Whether requests name `property`. They do not name annotations. */
  readonly selectable: boolean;
  /** Tells an attribute from a later one of the same name. A companion has the id of its attribute. */
  readonly metadataId?: string;
  /** AttributeTypeName of the attribute, for example `PicklistType`. Absent on companion columns. */
  readonly attributeType?: string;
  /** Tables that a lookup may point at. */
  readonly targets?: readonly string[];
  /** The column is left out unless the configuration names it: images, file bodies. */
  readonly onRequest?: true;
  readonly derived?: Derivation;
  /** The column has column security: null comes where the identity may not read the value. */
  readonly secured?: true;
  /** Tells one hash key from another. Only a hashed column has it. */
  readonly hashKeyId?: string;
  readonly displayName?: string;
  readonly description?: string;
}

/** A definition that makes no sense. It is left out, and the other definitions stay in use. */
export interface OddItem {
  /** Logical name; null where the definition has none. */
  readonly name: string | null;
  /** Another name of a definition that has no logical name. */
  readonly alias?: string;
  /** Which member is odd, and how. */
  readonly reason: string;
}

/**
 * Which rows of a table are mirrored. `sql` is an expression over the columns of the mirror table, which PostgreSQL
 * evaluates for each row that comes. `fetchxml` is a filter element, which the environment evaluates.
 *
 * The fingerprint tells one filter from another. A table whose filter has another fingerprint than the filter of its
 * rows is loaded anew.
 */
export type RowFilter =
  | { readonly kind: 'sql'; readonly predicate: string; readonly fingerprint: string }
  | { readonly kind: 'fetchxml'; readonly filter: string; readonly fingerprint: string };

/** What a mirror has to know about a Dataverse table. */
export interface Table {
  readonly logicalName: string;
  readonly entitySet: string;
  /** Name of the primary key's column. */
  readonly key: string;
  /** Name of the column that is unique together with `key`, on elastic tables. */
  readonly partition?: string;
  /** Name of the column with the row version. Absent where the table has none, and on virtual tables. */
  readonly version?: string;
  /** Name of the column that names a row for people. */
  readonly primaryName?: string;
  /** Tells a table from a later one of the same name. */
  readonly metadataId?: string;
  /**
   * The rows come from another system through a data provider, as those of Finance and Operations (`mserp_…`) do.
   * Nothing is known of the versions and tokens that a provider gives, so mirrorverse compares neither.
   */
  readonly isVirtual?: true;
  /** Most rows in a page, where the environment gives fewer than 5,000. */
  readonly largestPage?: number;
  readonly columns: readonly Column[];
  /** Which rows are mirrored; absent: all. */
  readonly rows?: RowFilter;
  /** Attributes that are left out because their definitions are odd. */
  readonly odd?: readonly OddItem[];
  /** Attributes whose details did not come. mirrorverse assumes the usual details for them. */
  readonly assumed?: readonly string[];
  /** The flags of the attributes decided which columns there are, because the CSDL did not tell. */
  readonly byFlags?: true;
  readonly displayName?: string;
  readonly description?: string;
}

/**
 * The set of properties that the link of a checkpoint was issued for. A link keeps its first selection, so
 * a different selection needs a new baseline. Another hash key needs one too, because the stored hashes
 * would no longer equal the new ones. So does another filter of rows: the mirror has none of the rows that match only
 * the new filter. No property has a `#`, so no table without a filter has the selection of one with a filter.
 */
export function selectionOf(table: Table): string {
  const properties = table.columns
    .filter((column) => column.selectable)
    .map(({ property, hashKeyId }) => (hashKeyId === undefined ? property : `${property}#${hashKeyId}`))
    .toSorted();
  return [...properties, ...(table.rows === undefined ? [] : [`#rows ${table.rows.fingerprint}`])].join(',');
}

/** Whether a table has another filter of rows than the selection of a checkpoint was issued for. */
export function changesFilter(selection: string | null, { rows }: Table): boolean {
  if (selection === null) return false;
  const before = /(?:^|,)#rows (\w+)$/.exec(selection)?.[1];
  return before !== rows?.fingerprint;
}

/** The table with key, partition and version alone: a page of these is half a megabyte, however wide the rows are. */
export function withKeysAlone(table: Table): Table {
  const wanted = new Set([table.key, table.partition, table.version]);
  return { ...table, columns: table.columns.filter(({ name }) => wanted.has(name)) };
}
