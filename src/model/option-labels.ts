/** A text by language code, such as 1033 for English. A language without a text has no entry. */
export type LocalizedText = ReadonlyMap<number, string>;

/** What kind of column an option belongs to. */
export type ChoiceKind = 'picklist' | 'multiselect' | 'state' | 'status' | 'boolean';

/** What the environment says about one attribute. */
export interface ColumnLabels {
  /** Logical name. */
  readonly name: string;
  readonly displayName: LocalizedText;
  readonly description: LocalizedText;
  /** AttributeType. It is `Virtual` for multi-select, file and image columns. */
  readonly attributeType: string | null;
  /** AttributeTypeName, for example `MultiSelectPicklistType`. */
  readonly attributeTypeName: string | null;
  /** The attribute that this one is a companion of. */
  readonly attributeOf: string | null;
  readonly columnNumber: number | null;
  readonly metadataId: string | null;
  /** Digits after the point of a decimal, double or money. Null unless details were asked for. */
  readonly precision: number | null;
  /** Most characters of a text. Null unless details were asked for. */
  readonly maxLength: number | null;
}

export interface Option {
  readonly value: number;
  readonly label: LocalizedText;
  readonly description: LocalizedText;
  /** For example `#0000ff`. */
  readonly color: string | null;
  readonly externalValue: string | null;
  /** The state that a status belongs to; null for other options. */
  readonly state: number | null;
  /** The status that a row gets with a state; null for other options. */
  readonly defaultStatus: number | null;
  /** The name of a state that is the same in every language, for example `Active`; null for other options. */
  readonly invariantName: string | null;
}

/** A choice column and its options, in the order in which the environment shows them. */
export interface Choice {
  /** Logical name of the column. */
  readonly column: string;
  readonly kind: ChoiceKind;
  /** Name of the option set. Several columns share a global option set. */
  readonly optionSet: string | null;
  readonly isGlobal: boolean;
  readonly options: readonly Option[];
}

/** A table that a lookup may point at. */
export interface LookupTarget {
  /** Logical name of the lookup. */
  readonly column: string;
  readonly table: string;
  /** Primary id and primary name of the target. Null where the environment names none. */
  readonly idAttribute: string | null;
  readonly nameAttribute: string | null;
}

/** The labels of one table, in every language of the environment. */
export interface TableLabels {
  /** Logical name. */
  readonly table: string;
  readonly displayName: LocalizedText;
  readonly collectionName: LocalizedText;
  readonly description: LocalizedText;
  readonly columns: readonly ColumnLabels[];
  readonly choices: readonly Choice[];
  readonly targets: readonly LookupTarget[];
}
