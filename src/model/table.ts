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
  | 'date'
  /** In place of a value its keyed hash, as text. */
  | 'hash';

/** How a column's value comes about when it is not simply stored: it may change without a new row version. */
export type Derivation = 'calculated' | 'rollup' | 'formula';

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
  /** Tells an attribute from one of the same name that was made later; companions have that of theirs. */
  readonly metadataId?: string;
  /** The attribute's type by its AttributeTypeName, `PicklistType` for example; absent on companion columns. */
  readonly attributeType?: string;
  /** Tables a lookup may point at. */
  readonly targets?: readonly string[];
  /** Left out unless the configuration names it: images, file bodies. */
  readonly onRequest?: true;
  readonly derived?: Derivation;
  /** Marked for column security: null comes where the identity may not read it. */
  readonly secured?: true;
  /** Of a hashed column, what tells one hash key from another. */
  readonly hashKeyId?: string;
  readonly displayName?: string;
  readonly description?: string;
}

/** A definition that nobody can make sense of: it is left out, and the others go on. */
export interface OddItem {
  /** Logical name; null where it has none. */
  readonly name: string | null;
  /** Another name it can be told by, where it has no logical name. */
  readonly alias?: string;
  /** Which member is odd, and how. */
  readonly reason: string;
}

/** A Dataverse table as far as a mirror of it needs to know. */
export interface Table {
  readonly logicalName: string;
  readonly entitySet: string;
  /** Name of the primary key's column. */
  readonly key: string;
  /** Name of the column that makes the key unique together with `key`, on elastic tables. */
  readonly partition?: string;
  /** Name of the column with the row version, absent where the table has none. */
  readonly version?: string;
  /** Name of the column with the row's name for people. */
  readonly primaryName?: string;
  /** Tells a table from one of the same name that was made later. */
  readonly metadataId?: string;
  /** Rows in a page at most, where the environment gives fewer than 5,000. */
  readonly largestPage?: number;
  readonly columns: readonly Column[];
  /** Attributes that are left out because their definitions are odd. */
  readonly odd?: readonly OddItem[];
  /** Attributes whose details did not come, so that the usual ones were assumed. */
  readonly assumed?: readonly string[];
  /** The environment's CSDL did not tell which columns there are, but the attributes' own flags. */
  readonly byFlags?: true;
  readonly displayName?: string;
  readonly description?: string;
}

/**
 * The set of properties a checkpoint's link was issued for. A link keeps the selection it began with,
 * so a different selection needs a new baseline. So does another hash key: what is stored would no
 * longer equal what comes.
 */
export function selectionOf(table: Table): string {
  return table.columns
    .filter((column) => column.selectable)
    .map(({ property, hashKeyId }) => (hashKeyId === undefined ? property : `${property}#${hashKeyId}`))
    .toSorted()
    .join(',');
}
